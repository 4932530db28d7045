# Tries a network from one of its machines. Arguments: the card, bytes of ICMP data, how many peers, the peers' addresses, and then the
# addresses to ask for by ARP. Everything at once, because each waits. Each program's own words follow its line, and a dot ends them.
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
card=$1 bytes=$2 peers=$3
shift 3

try() {
    what=$1 address=$2
    shift 2
    said=$("$@" 2>&1)
    code=$?
    printf '%s %s %s\n%s\n.\n' "$what" "$address" "$code" "$said"
    return "$code"
}

# Where a large packet is lost, a small one tells whether it is its size.
pair() {
    try ping "$1" ping -n -I "$card" -M do -c 1 -W 1 -s "$bytes" "$1" || try small "$1" ping -n -I "$card" -c 1 -W 1 -s 56 "$1"
}

echo 'wirecenter-probe 1'
[ "$peers" -gt 0 ] && ! command -v ping >/dev/null 2>&1 && echo 'missing ping iputils-ping' && exit
[ "$#" -gt "$peers" ] && ! command -v arping >/dev/null 2>&1 && echo 'missing arping iputils-arping' && exit
while [ "$peers" -gt 0 ]; do
    pair "$1" &
    shift
    peers=$((peers - 1))
done
# Broadcast each time: after a first answer arping would ask that card alone, and a second machine would stay unseen.
for address in "$@"; do
    try arp "$address" arping -b -c 2 -w 2 -I "$card" "$address" &
done
wait
echo end
