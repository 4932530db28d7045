# What a machine tells of itself, a line each: a key, a blank, the value. It runs every few seconds on a machine that carries calls,
# so the shell reads files itself, and only three programs are started: date, ip and df. The last line says that nothing was cut off.
# The time comes first, so that what follows does not blur it.
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
date '+wirecenter-look 1 %s%N'

tell() {
    line=
    [ -r "$2" ] && IFS= read -r line <"$2"
    [ -n "$line" ] && printf '%s %s\n' "$1" "$line"
}
tell hostname /proc/sys/kernel/hostname
tell machine-id /etc/machine-id
tell kernel /proc/sys/kernel/osrelease
tell uptime /proc/uptime
tell load /proc/loadavg
tell cpus /sys/devices/system/cpu/online
tell stat /proc/stat
for key in /etc/ssh/ssh_host_*_key.pub; do
    tell host-key "$key"
done
while read -r name kib unit; do
    case $name in
    MemTotal: | MemAvailable:) printf 'memory %s %s %s\n' "$name" "$kib" "$unit" ;;
    esac
    [ "$name" = MemAvailable: ] && break
done </proc/meminfo

if command -v ip >/dev/null 2>&1; then
    printf 'cards '
    ip -j addr 2>/dev/null
    echo
else
    for card in /sys/class/net/*; do
        mac= mtu= state=
        read -r mac <"$card/address" && read -r mtu <"$card/mtu" && read -r state <"$card/operstate"
        printf 'card %s %s %s %s\n' "${card##*/}" "$mac" "$mtu" "$state"
    done 2>/dev/null
fi

# A file system that stands on a single file, as containers have them, is somebody else's.
df -kPT 2>/dev/null | while read -r from kind size used free percent mount; do
    [ -d "$mount" ] && printf 'disk %s %s %s %s\n' "$kind" "$size" "$free" "$mount"
done
echo end
