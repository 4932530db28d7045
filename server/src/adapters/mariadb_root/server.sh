# What root does to the MariaDB server of this machine. The first word says what; nothing that comes from outside is put into a
# statement before its letters were looked at.
mark=/var/lib/wirecenter-primary
limit=5

client() { timeout -k 1 "$limit" mariadb --defaults-file=/etc/mysql/my.cnf --batch --raw "$@"; }
sql() { client --skip-column-names -e "$1"; }
# Each connection whose number the statement gives is ended: all by one client, for there may be hundreds. One that has ended meanwhile
# is no failure.
end_each() {
    ids=$(sql "$1") || return 1
    for id in $ids; do echo "KILL CONNECTION $id;"; done | client --force 2>/dev/null
    return 0
}
refuse() {
    echo "$1" >&2
    exit 2
}
is_position() { case $1 in '' | *[!0-9,-]*) refuse "\"$1\" is not a position" ;; esac }
is_address() { case $1 in '' | *[!0-9.]*) refuse "\"$1\" is not an address" ;; esac }
# Neighbors that remember another card are told; it is no loss where the program is missing.
take_addresses() {
    while [ $# -ge 3 ]; do
        ip address replace "$2/$3" dev "$1" || exit 1
        arping -q -c 3 -U -I "$1" "$2" </dev/null >/dev/null 2>&1 &
        shift 3
    done
}
drop_addresses() {
    while [ $# -ge 3 ]; do
        ip address del "$2/$3" dev "$1" 2>/dev/null
        shift 3
    done
    return 0
}

action=$1
shift
case $action in
look)
    sql "SELECT CONCAT('events=', (SELECT COUNT(*) FROM information_schema.EVENTS WHERE STATUS = 'ENABLED')),
                CONCAT('scheduler=', @@GLOBAL.event_scheduler)" | tr '\t' '\n'
    ip -4 -o address show | awk '{ sub("/.*", "", $4); print "address=" $4 }'
    df -Pk /var/lib/mysql | awk 'NR == 2 { print "size_kib=" $2; print "free_kib=" $4 }'
    [ -e "$mark" ] && echo "marked=1"
    if [ -n "$1" ] && [ -d "$1" ]; then
        newest=$(find "$1" -type f -printf '%T@\n' | sort -n | tail -n 1)
        [ -n "$newest" ] && echo "backup_age=$(($(date +%s) - ${newest%.*}))"
    fi
    echo "clock_ns=$(date +%s%N)"
    ;;
role)
    sql "SELECT CONCAT('read_only=', @@GLOBAL.read_only), CONCAT('position=', @@GLOBAL.gtid_binlog_pos),
                CONCAT('applied=', @@GLOBAL.gtid_slave_pos), CONCAT('written=', @@GLOBAL.gtid_binlog_state)" | tr '\t' '\n'
    client -E -e 'SHOW SLAVE STATUS' |
        sed -n 's/^ *\(Master_Host\|Slave_IO_Running\|Slave_SQL_Running\|Last_IO_Error\|Last_SQL_Error\|Gtid_IO_Pos\): */\1=/p'
    ;;
stop_writes)
    kill=$1
    shift
    rm -f "$mark"
    [ "$kill" = yes ] && end_each 'SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id > 0'
    sql 'SET SESSION lock_wait_timeout = 2; SET GLOBAL read_only = ON' || exit 1
    drop_addresses "$@"
    end_each "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND NOT LIKE 'Binlog Dump%'
              AND USER NOT IN ('root', 'system user', 'event_scheduler', 'replicator', 'panel')" || exit 1
    sql 'SELECT @@GLOBAL.gtid_binlog_pos'
    ;;
allow_writes)
    : >"$mark"
    sql 'SET GLOBAL rpl_semi_sync_master_enabled = ON; SET GLOBAL read_only = OFF' || exit 1
    take_addresses "$@"
    ;;
wait_for)
    is_position "$1"
    is_position "$2"
    limit=$(($2 + 2))
    [ "$(sql "SELECT MASTER_GTID_WAIT('$1', $2)")" = 0 ] || refuse "it has not applied $1 within $2 s"
    ;;
stop_receiving)
    sql 'STOP SLAVE IO_THREAD' || exit 1
    client -E -e 'SHOW SLAVE STATUS' | sed -n 's/^ *Gtid_IO_Pos: *//p'
    ;;
receive)
    sql 'START SLAVE IO_THREAD'
    ;;
promote)
    sql 'STOP SLAVE; RESET SLAVE ALL; SET GLOBAL rpl_semi_sync_master_enabled = ON; SET GLOBAL read_only = OFF' || exit 1
    : >"$mark"
    ;;
take_addresses)
    take_addresses "$@"
    ;;
follow)
    is_address "$1"
    IFS= read -r password
    case $password in '' | *[\'\\]*) refuse "the password of replicator cannot be put into a statement" ;; esac
    rm -f "$mark"
    limit=10
    # One that was primary goes on after what it wrote itself.
    [ "$2" = yes ] && own='SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos;'
    # By its input, where no list of processes shows the password.
    client <<END || exit 1
STOP SLAVE;
SET GLOBAL rpl_semi_sync_master_enabled = OFF;
SET GLOBAL read_only = ON;
$own
CHANGE MASTER TO MASTER_HOST = '$1', MASTER_PORT = 3306, MASTER_USER = 'replicator', MASTER_PASSWORD = '$password',
    MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos;
START SLAVE;
END
    ;;
follow_nobody)
    sql 'STOP SLAVE; RESET SLAVE ALL'
    ;;
proofs)
    sql "SELECT CONCAT(client, '=', at_us) FROM wirecenter_watch.proof"
    ;;
save_after)
    file=/var/lib/wirecenter-errant-$(date -u +%Y%m%dT%H%M%SZ).sql
    umask 077
    : >"$file.part"
    for position in "$@"; do
        is_position "$position"
        mariadb-binlog --no-defaults --base64-output=decode-rows --verbose --start-position="$position" \
            $(ls /var/lib/mysql/binlog.[0-9]* | sort) >>"$file.part" || exit 1
    done
    mv "$file.part" "$file"
    echo "$file"
    ;;
lend)
    is_address "$1"
    IFS= read -r password
    case $password in '' | *[!0-9A-Za-z]*) refuse "the password for lending cannot be put into a statement" ;; esac
    client <<END || exit 1
CREATE OR REPLACE USER wirecenter_reseed@'$1' IDENTIFIED BY '$password';
GRANT SELECT, RELOAD, LOCK TABLES, SHOW VIEW, EVENT, TRIGGER, PROCESS, BINLOG MONITOR ON *.* TO wirecenter_reseed@'$1';
END
    ;;
end_lending)
    is_address "$1"
    sql "DROP USER IF EXISTS wirecenter_reseed@'$1'"
    ;;
reseed)
    is_address "$1"
    is_position "$2"
    IFS= read -r password
    limit=$2
    rm -f "$mark"
    sql 'STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = ON; RESET MASTER' || exit 1
    dump=$(mktemp /var/lib/wirecenter-reseed.XXXXXX) || exit 1
    trap 'rm -f "$dump" "$dump.cnf"' EXIT
    (umask 077 && printf '[client]\nuser=wirecenter_reseed\npassword=%s\n' "$password" >"$dump.cnf")
    # Whole before anything here is thrown away.
    timeout -k 1 "$limit" mariadb-dump --defaults-file="$dump.cnf" --host="$1" --all-databases --routines --events --triggers \
        --single-transaction --gtid --master-data=1 --flush-privileges >"$dump" || exit 1
    {
        echo 'SET SESSION sql_log_bin = 0;'
        sql "SELECT CONCAT('DROP DATABASE \`', SCHEMA_NAME, '\`;') FROM information_schema.SCHEMATA
             WHERE SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
        cat "$dump"
        echo 'FLUSH PRIVILEGES;'
    } | client || exit 1
    ;;
*)
    refuse "\"$action\" is not known here"
    ;;
esac
