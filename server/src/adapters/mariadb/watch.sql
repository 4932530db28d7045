-- The panel's own tables on the cluster; a cluster that was set up without them is looked at all the same. Two answers.
SELECT MAX(at_us) AS at_us FROM wirecenter_watch.heartbeat;
SELECT user_name FROM wirecenter_watch.privileged;
