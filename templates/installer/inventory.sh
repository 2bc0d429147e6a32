# What this machine has, as text for the head, which decides; there it is data, never code.

TAB=$'\t'

# is_disk NAME: whether this block device is a disk, and not memory, a loop, a CD or a floppy.
is_disk() {
    case $1 in sr* | fd* | loop* | ram* | zram* | dm-* | md* | mmcblk*boot*) return 1 ;; esac
    [ -e "/sys/block/$1/device" ] || return 1
    read -r REPLY < "/sys/block/$1/size" && ((REPLY > 0))
}

# disks: the names of all disks, in $REPLY.
disks() {
    local path found=''
    for path in /sys/block/*; do
        is_disk "${path##*/}" && found="$found ${path##*/}"
    done
    REPLY=$found
}

# wait_for_disks: until there is a disk and no other one appears, ten seconds at most. A disk that
# came too late for the inventory could make the wrong one look like the only one.
wait_for_disks() {
    local tries before='' quiet=0
    for ((tries = 0; tries < 50; tries++)); do
        disks
        if [ -n "$REPLY" ] && [ "$REPLY" = "$before" ]; then
            quiet=$((quiet + 1))
            ((quiet < 2)) || return
        else
            quiet=0
        fi
        before=$REPLY
        load_drivers
        sleep 0.2
    done
}

# value FILE: its first line without tabs, in $REPLY; empty when it cannot be read.
value() {
    REPLY=''
    { read -r REPLY < "$1"; } 2> /dev/null
    REPLY=${REPLY//$TAB/ }
}

# signature DEVICE: what probing finds on it, in $REPLY, comma separated; nothing on a blank one. The
# device itself is read, because without udev nobody else knows.
signature() {
    local found
    found=$(blkid -p -s TYPE -s PTTYPE -o value "$1" 2> /dev/null)
    [ $? != 8 ] || found=several  # blkid(8): more than one, it cannot tell which is meant
    REPLY=${found//[$'\n ']/,}
}

inventory_disk() {
    local name=$1 size sector removable rotational readonly transport='' model serial wwn partition
    local partitions=0 signatures='' path
    value "/sys/block/$name/size" && size=$((REPLY * 512))
    value "/sys/block/$name/queue/logical_block_size" && sector=${REPLY:-512}
    value "/sys/block/$name/removable" && removable=${REPLY:-0}
    value "/sys/block/$name/queue/rotational" && rotational=${REPLY:-0}
    value "/sys/block/$name/ro" && readonly=${REPLY:-0}
    value "/sys/block/$name/device/model" && model=$REPLY
    value "/sys/block/$name/serial" && serial=$REPLY
    [ -n "$serial" ] || { value "/sys/block/$name/device/serial" && serial=$REPLY; }
    value "/sys/block/$name/device/wwid" && wwn=$REPLY
    [ -n "$wwn" ] || { value "/sys/block/$name/wwid" && wwn=$REPLY; }
    path=$(readlink -f "/sys/block/$name")
    case $path in
        */usb*) transport=usb ;;
        */ata*) transport=sata ;;
        */nvme/*) transport=nvme ;;
        */virtio*) transport=virtio ;;
    esac
    signature "/dev/$name"
    signatures=$REPLY
    for partition in "/sys/block/$name/$name"*; do
        [ -e "$partition/partition" ] || continue
        partitions=$((partitions + 1))
        signature "/dev/${partition##*/}"
        signatures=$signatures${REPLY:+${signatures:+,}$REPLY}
    done
    printf 'disk\tpath=/dev/%s\tsize=%s\tsector=%s\tremovable=%s\trotational=%s\treadonly=%s' \
        "$name" "$size" "$sector" "$removable" "$rotational" "$readonly"
    printf '\ttransport=%s\tmodel=%s\tserial=%s\twwn=%s\tsignatures=%s\tpartitions=%s\tmounted=0\n' \
        "$transport" "$model" "$serial" "$wwn" "$signatures" "$partitions"
}

inventory_card() {
    local name=$1 mac driver='' link=0 predicted='' booted=0
    value "/sys/class/net/$name/address" && mac=$REPLY
    driver=$(readlink "/sys/class/net/$name/device/driver")
    linked "/sys/class/net/$name" && link=1
    [ "$mac" != "$MAC" ] || booted=1
    while IFS='=' read -r REPLY value; do
        case $REPLY in
            ID_NET_NAME_ONBOARD | ID_NET_NAME_SLOT | ID_NET_NAME_PATH)
                predicted=$predicted${predicted:+,}$value
                ;;
        esac
    done < <(udevadm test-builtin net_id "/sys/class/net/$name" 2> /dev/null)
    printf 'card\tmac=%s\tname=%s\tdriver=%s\tlink=%s\tbooted=%s\tpredicted=%s\n' \
        "$mac" "$name" "${driver##*/}" "$link" "$booted" "$predicted"
}

inventory() {
    local device word amount rest
    printf 'haoscar-inventory 1\nfirmware\t%s\n' "$FIRMWARE"
    while read -r word amount rest; do
        [ "$word" != MemTotal: ] || printf 'memory\t%s\n' "$amount"
    done < /proc/meminfo
    disks
    for device in $REPLY; do
        inventory_disk "$device"
    done
    for device in /sys/class/net/*; do
        [ -e "$device/device" ] && inventory_card "${device##*/}"
    done
    printf 'end\n'
}
