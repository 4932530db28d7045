-- One look at a MariaDB node, sent as one message. Five answers, in this order.
SELECT VERSION() AS version, @@hostname AS hostname, @@server_id AS server_id, @@GLOBAL.read_only AS read_only, @@log_bin AS log_bin,
    @@log_slave_updates AS log_slave_updates, @@gtid_strict_mode AS gtid_strict_mode, @@gtid_domain_id AS gtid_domain_id,
    @@gtid_binlog_pos AS gtid_binlog_pos, @@gtid_current_pos AS gtid_current_pos, @@gtid_slave_pos AS gtid_slave_pos,
    @@gtid_binlog_state AS gtid_binlog_state, @@max_connections AS max_connections,
    @@rpl_semi_sync_master_enabled AS semi_sync_primary, @@rpl_semi_sync_master_wait_point AS semi_sync_wait_point,
    @@rpl_semi_sync_master_timeout AS semi_sync_timeout, @@rpl_semi_sync_slave_enabled AS semi_sync_replica;
SHOW ALL SLAVES STATUS;
SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected', 'Threads_running', 'Queries', 'Binlog_commits', 'Com_commit',
    'Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_no_tx', 'Rpl_semi_sync_slave_status');
SELECT MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())) AS seconds FROM information_schema.INNODB_TRX;
SELECT DISTINCT USER AS user, SUBSTRING_INDEX(HOST, ':', 1) AS host FROM information_schema.PROCESSLIST
    WHERE COMMAND NOT LIKE 'Binlog Dump%' AND USER NOT IN ('system user', 'event_scheduler', SUBSTRING_INDEX(USER(), '@', 1));
