# What every part of the installer uses. Bash, because its built-ins save a fork per line, and a
# fork is what costs time on a small or emulated machine.

RUN=/run/haoscar
TARGET=/sysroot
LOG=$RUN/log
HEAD='' HEAD_KEY='' ADDRESS='' MAC='' INTERFACE='' FIRMWARE=bios EVENTS_IN='' EVENTS_OUT=''
ON_FAILURE=poweroff WAIT_BEFORE_OFF=20 STAGE=start

# console WORDS: one line on the machine's own screen and serial line, which no word may control.
console() {
    local up rest text="$*"
    read -r up rest < /proc/uptime
    printf '[%7s] haoscar: %s\n' "$up" "${text//[^[:print:]]/?}"
}

# event LINE: one line to the head, if there is a connection; never stops the installation itself.
event() {
    [ -n "$EVENTS_IN" ] || return 0
    printf '%s\n' "$*" >&"$EVENTS_IN" 2> /dev/null || EVENTS_IN=''
}

# stage NAME: the next stage has begun; the head keeps the time.
stage() {
    local up rest
    STAGE=$1
    read -r up rest < /proc/uptime
    console "stage $1"
    event "stage=$1 uptime=$up"
}

# fail SENTENCE [FILE]: say it on screen and head, then power off or wait. Never asks.
fail() {
    local text=${1//$'\n'/ }
    trap - EXIT
    console "INSTALLATION FAILED at stage $STAGE: $text"
    if [ -n "${2:-}" ] && [ -s "$2" ]; then
        tail -n 15 "$2"
        while IFS= read -r line; do event "log=${line:0:400}"; done < <(tail -n 15 "$2")
    fi
    event "failed=${text:0:800}"
    [ -z "$EVENTS_OUT" ] || read -r -t 5 line <&"$EVENTS_OUT"
    sync
    if [ "$ON_FAILURE" = wait ]; then
        console "Waiting; the disk is incomplete. On the head: haoscar installs show; then switch this machine off and on."
        while :; do sleep 3600; done
    fi
    console "Powering off in $WAIT_BEFORE_OFF s. On the head: haoscar installs show; arm the machine again to retry."
    sleep "$WAIT_BEFORE_OFF"
    power off
}

# power off|reboot: ask the kernel itself; there is no init to ask.
power() {
    sync
    echo 1 > /proc/sys/kernel/sysrq
    case $1 in
        off) echo o > /proc/sysrq-trigger ;;
        *) echo b > /proc/sysrq-trigger ;;
    esac
    while :; do sleep 10; done
}

# run WHAT COMMAND ...: run it; when it fails the installation has failed.
run() {
    local what=$1
    shift
    printf '+ %s\n' "$*" >> "$LOG"
    "$@" > "$RUN/out" 2>&1 < /dev/null || fail "$what failed (exit code $?): $*" "$RUN/out"
    cat "$RUN/out" >> "$LOG"
}

# feed WHAT TEXT COMMAND ...: like run, with TEXT on standard input.
feed() {
    local what=$1 text=$2
    shift 2
    printf '+ %s\n' "$*" >> "$LOG"
    printf '%s' "$text" | "$@" > "$RUN/out" 2>&1 || fail "$what failed: $*" "$RUN/out"
}

# argument NAME: the last value of NAME= on the kernel line, in $REPLY.
argument() {
    local word
    REPLY=''
    for word in $CMDLINE; do
        case $word in "$1="*) REPLY=${word#*=} ;; esac
    done
}

# gate COMMAND: one session over the master connection.
gate() { ssh -F "$RUN/ssh_config" -S "$RUN/master" haoscar-head "$@"; }
