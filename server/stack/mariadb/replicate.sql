-- Makes {{ me.name }} follow {{ primary.name }} over Sync. On a replica with an empty data folder it starts at the first transaction and
-- so gets databases, users and rows alike.
CHANGE MASTER TO
    MASTER_HOST = '{{ primary.sync }}',
    MASTER_PORT = 3306,
    MASTER_USER = 'replicator',
    MASTER_PASSWORD = '{{ credential.replication }}',
    MASTER_CONNECT_RETRY = 1,
    -- Where it left off is known by the ids of what it has applied, whichever machine they came from.
    MASTER_USE_GTID = slave_pos;
START SLAVE;
