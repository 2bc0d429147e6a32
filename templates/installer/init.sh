#!/bin/bash
# First and only process of the installer: drivers, network, hello, ticket. Asks nothing, and when
# anything is not as it must be, says so and powers off or waits.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
mount -t proc -o nosuid,noexec,nodev proc /proc
mount -t sysfs -o nosuid,noexec,nodev sysfs /sys
mount -t devtmpfs -o mode=0755,nosuid devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,noexec,nosuid devpts /dev/pts
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
mkdir -m 0700 /run/haoscar /run/lvm /run/lock
for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
    [ -e "/dev/${link%%:*}" ] || ln -s "${link#*:}" "/dev/${link%%:*}"
done
exec < /dev/console > /dev/console 2>&1
umask 077
CMDLINE=$(< /proc/cmdline)
. /haoscar/lib.sh
. /haoscar/network.sh
. /haoscar/inventory.sh
. /haoscar/steps.sh
trap 'fail "the installer itself ended, which it must not do" "$LOG"' EXIT
CIPHERS=chacha20-poly1305@openssh.com,aes128-gcm@openssh.com

# load_drivers: what the buses ask for, until nothing new appears; cheaper than udev.
declare -A LOADED
load_drivers() {
    local round file alias wanted
    for round in 1 2 3 4 5; do
        wanted=()
        for file in /sys/bus/*/devices/*/modalias; do
            { read -r alias < "$file"; } 2> /dev/null
            [ -n "$alias" ] && [ -z "${LOADED[$alias]:-}" ] || continue
            LOADED[$alias]=1
            wanted+=("$alias")
        done
        [ ${#wanted[@]} != 0 ] || return
        modprobe -a -b -q "${wanted[@]}" 2> /dev/null
    done
}

# span FROM TO: seconds between two readings of /proc/uptime (always two digits after the point).
span() {
    local hundredths=$((10#${2/./} - 10#${1/./}))
    printf '%d.%02d' $((hundredths / 100)) $((hundredths % 100))
}

read -r STARTED rest < /proc/uptime
console "installer started"
[ ! -d /sys/firmware/efi ] || FIRMWARE=uefi
load_drivers
[ "$FIRMWARE" = bios ] || mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2> /dev/null
argument haoscar.head
HEAD=$REPLY
argument haoscar.key
HEAD_KEY=$REPLY
[[ $HEAD =~ ^[0-9.]+$ ]] || fail "the kernel line has no haoscar.head="
[[ $HEAD_KEY =~ ^[A-Za-z0-9+/]+=*$ ]] || fail "the kernel line has no haoscar.key="
find_interface
ssh-keygen -q -t ed25519 -N '' -C "installer-$MAC" -f "$RUN/key" &
keygen=$!
configure_network
read -r NETWORK rest < /proc/uptime
console "network $INTERFACE $MAC $ADDRESS"
wait "$keygen" || fail "no key pair could be made"
hello
connect
# Both stages began before anybody could be told.
read -r now rest < /proc/uptime
event "stage=start uptime=$STARTED ago=$(span "$STARTED" "$now")"
event "stage=network uptime=$NETWORK ago=$(span "$NETWORK" "$now")"
STAGE=network
wait_for_disks
inventory > "$RUN/inventory"
gate inventory < "$RUN/inventory" > "$RUN/ticket" 2> "$RUN/out" || fail "the head did not give a ticket: $(< "$RUN/out")"
read -r first < "$RUN/ticket"
[ "$first" = '# haoscar-ticket 1' ] || fail "the head refuses this machine: ${first#refused: }"
[ "$(tail -n 1 "$RUN/ticket")" = '# end of ticket' ] || fail "the ticket did not arrive whole"
stage admitted
. "$RUN/ticket"
fail "the ticket ended without an action"
