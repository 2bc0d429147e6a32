# The network of the installer: the card that booted this machine, an address, the head.

# find_interface: the card of BOOTIF=; without it the only one, or the first with a link.
find_interface() {
    local tries card name
    argument BOOTIF
    MAC=${REPLY#01-}
    MAC=${MAC//-/:}
    MAC=${MAC,,}
    for ((tries = 0; tries < 150; tries++)); do
        for card in /sys/class/net/*; do
            name=${card##*/}
            [ "$name" != lo ] && [ -e "$card/device" ] || continue
            read -r REPLY < "$card/address"
            if [ -n "$MAC" ]; then
                [ "$REPLY" = "$MAC" ] && INTERFACE=$name && return
            else
                ip link set "$name" up
                ((tries > 10)) || linked "$card" || continue
                MAC=$REPLY INTERFACE=$name
                return
            fi
        done
        ((tries % 10 != 5)) || load_drivers
        sleep 0.1
    done
    fail "no network card ${MAC:-at all} was found: its driver may be missing in the installer image"
}

linked() {
    local up
    read -r up 2> /dev/null < "$1/carrier" && [ "$up" = 1 ]
}

# configure_network: static from the kernel line, else DHCP with our vendor class.
configure_network() {
    local tries
    argument haoscar.addr
    ADDRESS=$REPLY
    if [ -n "$ADDRESS" ]; then
        printf 'link set lo up\nlink set %s up\naddr add %s dev %s\n' "$INTERFACE" "$ADDRESS" "$INTERFACE" \
            | ip -batch - || fail "the address $ADDRESS could not be set on $INTERFACE"
    else
        printf 'link set lo up\nlink set %s up\n' "$INTERFACE" | ip -batch -
    fi
    for ((tries = 0; tries < 100; tries++)); do
        linked "/sys/class/net/$INTERFACE" && break
        sleep 0.1
    done
    [ -n "$ADDRESS" ] || ask_dhcp
    argument haoscar.gateway
    [ -z "$REPLY" ] || ip route add default via "$REPLY" dev "$INTERFACE"
}

ask_dhcp() {
    console "asking for an address on $INTERFACE"
    if type -P udhcpc > /dev/null || type -P busybox > /dev/null; then
        busybox udhcpc -q -n -t 10 -T 2 -i "$INTERFACE" -V haoscar-installer -s /haoscar/dhcp-event.sh > "$RUN/dhcp" 2>&1
    elif type -P dhclient > /dev/null; then
        printf 'send vendor-class-identifier "haoscar-installer";\ntimeout 30;\n' > "$RUN/dhclient.conf"
        dhclient -1 -4 -cf "$RUN/dhclient.conf" -lf "$RUN/leases" -pf "$RUN/dhclient.pid" -sf /haoscar/dhcp-event.sh "$INTERFACE" > "$RUN/dhcp" 2>&1
    else
        fail "the installer image has no DHCP client and no haoscar.addr= was given"
    fi
    [ -s "$RUN/lease" ] || fail "no DHCP server answered on $INTERFACE ($MAC)" "$RUN/dhcp"
    read -r ADDRESS < "$RUN/lease"
}

# hello: give the head our public key; it must expect exactly this card now. A machine that booted
# from a medium is first heard of here: it waits (haoscar.wait=, seconds since its start) until
# somebody has assigned it.
hello() {
    local limit now rest told=''
    argument haoscar.wait
    [[ $REPLY =~ ^[0-9]{1,4}$ ]] && limit=$REPLY || limit=0
    until say_hello; do
        read -r now rest < /proc/uptime
        [ "$STATUS" = 403 ] && ((${now%.*} < limit)) || fail "the head refuses this machine ($MAC): ${ANSWER:-no reason given}"
        [ -n "$told" ] || console "waiting until the head expects this machine: assign $MAC there"
        told=yes
        sleep 2
    done
}

# say_hello: one question; STATUS and ANSWER are what the head says to it.
say_hello() {
    local body reply line tries
    body=$(printf 'mac=%s\nkey=%s\n' "$MAC" "$(< "$RUN/key.pub")")
    for ((tries = 0; tries < 20; tries++)); do
        exec 9<> "/dev/tcp/$HEAD/8117" && break
        sleep 0.5
    done 2> /dev/null
    ((tries < 20)) || fail "the boot server of $HEAD does not answer: is haoscar-boot.service running there?"
    printf 'POST /hello HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&9
    STATUS='' ANSWER=''
    IFS=' ' read -r -t 15 reply STATUS line <&9
    while IFS= read -r -t 15 line <&9 && [ -n "${line%$'\r'}" ]; do :; done
    IFS= read -r -t 15 ANSWER <&9
    exec 9>&-
    [ "$STATUS" = 200 ]
}

# connect: one encrypted connection for everything; the head's key came with the kernel line.
connect() {
    printf 'haoscar-head ssh-ed25519 %s\n' "$HEAD_KEY" > "$RUN/known_hosts"
    cat > "$RUN/ssh_config" << CONF
Host haoscar-head
HostName $HEAD
Port 8122
User root
HostKeyAlias haoscar-head
UserKnownHostsFile $RUN/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
HostKeyAlgorithms ssh-ed25519
IdentityFile $RUN/key
IdentitiesOnly yes
PreferredAuthentications publickey
KexAlgorithms curve25519-sha256
Ciphers $CIPHERS
BatchMode yes
ConnectTimeout 15
ServerAliveInterval 15
ServerAliveCountMax 4
ControlPath $RUN/master
LogLevel ERROR
CONF
    ssh -F "$RUN/ssh_config" -M -N -f haoscar-head > "$RUN/out" 2>&1 < /dev/null \
        || fail "the secure connection to $HEAD was refused" "$RUN/out"
    coproc EVENTS { gate events 2> "$RUN/events.err"; }
    # Copies, because bash closes a coprocess's own descriptors in subshells.
    exec {EVENTS_IN}>&"${EVENTS[1]}" {EVENTS_OUT}<&"${EVENTS[0]}"
}
