# The next piece of a file of lines that somebody else writes, and perhaps rotates: $1 is its path, $2 a checksum of its first line and
# $3 the offset where the last piece ended, $4 the most bytes. A line tells the checksum, the offset the piece begins at, and whether the
# file is still written; then the piece comes as it is.
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
path=$1 known=$2 offset=$3 most=$4

# By its first line a file is known under any name, a copy too. An inode is given to the next file when this one is gone.
first_line() {
    sum=$(head -n 1 "$1" 2>/dev/null | cksum) && printf '%s' "${sum%% *}"
}
is_plain() {
    case $1 in
    *.gz | *.xz | *.bz2 | *.zst) return 1 ;;
    esac
    [ -s "$1" ]
}
bytes() {
    stat -c %s "$1" 2>/dev/null || echo 0
}

file=
for one in "$path" "$path".*; do
    is_plain "$one" && [ "$(first_line "$one")" = "$known" ] && file=$one && break
done
if [ -z "$file" ]; then
    # Never read before, or compressed since: from the beginning of what is written now.
    file=$path offset=0
elif [ "$(bytes "$file")" -lt "$offset" ]; then
    offset=0
elif [ "$file" != "$path" ] && [ "$(bytes "$file")" -eq "$offset" ]; then
    # Read to its end; the next is the oldest of those written after it.
    next=$path
    for one in "$path".*; do
        is_plain "$one" && [ "$one" -nt "$file" ] && { [ ! -s "$next" ] || [ "$next" -nt "$one" ]; } && next=$one
    done
    [ -s "$next" ] && file=$next offset=0
fi
state=rotated
[ "$file" = "$path" ] && state=written
if [ -s "$file" ]; then
    printf 'wirecenter-tail %s %s %s\n' "$(first_line "$file")" "$offset" "$state"
    tail -c "+$((offset + 1))" "$file" | head -c "$most"
else
    echo 'wirecenter-tail 0 0 written'
fi
