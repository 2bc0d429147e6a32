#!/bin/bash
# Called by udhcpc (variables ip, mask, router) or dhclient (new_ip_address ...): takes the address.
case ${1:-${reason:-}} in
    bound | renew | BOUND | RENEW | REBOOT)
        address=${ip:-${new_ip_address:-}}
        mask=${subnet:-${new_subnet_mask:-255.255.255.0}}
        gateway=${router:-${new_routers:-}}
        device=${interface:-}
        [ -n "$device" ] || exit 1
        # bash calculates with what it is given: nothing but numbers may get there.
        number='(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
        for value in "$address" "$mask" ${gateway:+"${gateway%% *}"}; do
            [[ $value =~ ^$number(\.$number){3}$ ]] || exit 1
        done
        bits=0
        IFS=. read -r -a bytes <<< "$mask"
        for byte in "${bytes[@]}"; do
            while ((byte)); do
                bits=$((bits + (byte & 1))) byte=$((byte >> 1))
            done
        done
        ip addr add "$address/$bits" dev "$device"
        [ -z "$gateway" ] || ip route add default via "${gateway%% *}" dev "$device"
        echo "$address/$bits" > /run/haoscar/lease
        ;;
    deconfig | PREINIT) ip link set "${interface:?}" up ;;
esac
exit 0
