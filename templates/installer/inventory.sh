# What this machine has, as text for the head, which decides; values are data there, never code.

# wait_for_disk: at most ten seconds for the first disk that is not removable.
wait_for_disk() {
    local tries disk
    for ((tries = 0; tries < 100; tries++)); do
        for disk in /sys/block/*; do
            [ -e "$disk/device" ] || continue
            case ${disk##*/} in sr* | fd* | loop* | ram*) continue ;; esac
            read -r REPLY < "$disk/removable" && [ "$REPLY" = 0 ] && return
        done
        ((tries % 10 != 5)) || load_drivers
        sleep 0.1
    done
}

inventory() {
    local card
    printf 'haoscar-inventory 1\nmac %s\nfirmware %s\narch %s\n' "$MAC" "$FIRMWARE" "${HOSTTYPE:-unknown}"
    while read -r REPLY; do
        case $REPLY in MemTotal:*) set -- $REPLY && printf 'memory-kib %s\n' "$2" ;; esac
    done < /proc/meminfo
    for card in /sys/class/net/*; do
        [ -e "$card/device" ] || continue
        read -r REPLY < "$card/address"
        printf 'card %s %s\n' "${card##*/}" "$REPLY"
    done
    printf 'lsblk\n'
    lsblk -J -b -o NAME,PATH,TYPE,SIZE,FSTYPE,PTTYPE,UUID,LABEL,MODEL,SERIAL,WWN,TRAN,RM,RO,LOG-SEC,PHY-SEC 2> /dev/null
    printf 'end\n'
}
