# The words of a ticket: each of its lines calls one of these functions with quoted arguments.

# try WHY COMMAND ...: run it; a failure is noted and nothing else happens.
try() {
    shift
    printf '+ %s\n' "$*" >> "$LOG"
    "$@" >> "$LOG" 2>&1 < /dev/null || :
}

# try_feed WHY TEXT COMMAND ...: the same with TEXT on standard input.
try_feed() {
    local text=$2
    shift 2
    printf '%s' "$text" | "$@" >> "$LOG" 2>&1 || :
}

# inside DIRECTORY: go there, and insist that no symbolic link of the clone led out of it.
inside() {
    mkdir -p "$TARGET$1" || fail "the directory $1 could not be made in the clone"
    cd -P "$TARGET$1" || fail "the directory $1 of the clone could not be entered"
    case $PWD/ in "$TARGET"/*) ;; *) fail "$1 of the clone is a link that leads out of it ($PWD)" ;; esac
}

# put PATH MODE TEXT: a whole file of the clone; whatever is there, also a link, is replaced.
put() {
    local name=${1##*/}
    inside "${1%/*}"
    rm -rf "./$name"
    printf '%s' "$3" > "./$name" && chmod "$2" "./$name" || fail "$1 could not be written in the clone"
    cd /
}

# link TARGET PATH: a symbolic link of the clone.
link() {
    inside "${2%/*}"
    ln -sfn "$1" "./${2##*/}" || fail "the link $2 could not be made in the clone"
    cd /
}

# drop PATH: remove a file of the clone.
drop() {
    [ -d "$TARGET${1%/*}" ] || return 0
    inside "${1%/*}"
    rm -f "./${1##*/}" || fail "$1 could not be removed in the clone"
    cd /
}

# aside PATH TARGET: set a file of the clone aside, if it is there.
aside() {
    [ -d "$TARGET${1%/*}" ] || return 0
    inside "${2%/*}"
    inside "${1%/*}"
    if [ -e "./${1##*/}" ] || [ -L "./${1##*/}" ]; then
        mv -f "./${1##*/}" "$TARGET$2" || fail "$1 could not be set aside in the clone"
    fi
    cd /
}

# copy SOURCE DIRECTORY OPTION ...: one rsync over the connection that is there, with progress.
copy() {
    local source=$1 directory=$2 code pid sampler
    shift 2
    rsync -e "ssh -F $RUN/ssh_config -S $RUN/master" "$@" "haoscar-head:$source" "$TARGET$directory" \
        > "$RUN/out" 2>&1 < /dev/null &
    pid=$!
    sample "$pid" &
    sampler=$!
    wait "$pid"
    code=$?
    kill "$sampler" 2> /dev/null
    wait "$sampler" 2> /dev/null
    [ "$code" = 0 ] || fail "the copy to $directory failed (rsync exit code $code)" "$RUN/out"
}

# sample PID: what rsync has written so far, twice a second; the child that writes is the receiver.
sample() {
    local pid=$1 child chosen='' most sent=0 text
    trap - EXIT
    [ -p "$RUN/tick" ] || mkfifo "$RUN/tick"
    exec 7<> "$RUN/tick"
    while read -r -t 0.5 -u 7 text || [ -d "/proc/$pid" ]; do
        most=0
        read -r text < "/proc/$pid/task/$pid/children"
        for child in ${chosen:-$pid $text}; do
            read -r -N 400 text < "/proc/$child/io"
            text=${text#*wchar: } text=${text%%[!0-9]*}
            ((${text:-0} <= most)) || most=$text last=$child
        done 2> /dev/null
        ((most < 4000000)) || chosen=$last
        ((most <= sent)) || event "bytes=$most"
        sent=$most
    done
}

# verify FIND-WORDS ...: content, metadata and attributes against the manifest on the head.
verify() {
    sync
    echo 3 > "${DROP_CACHES:-/proc/sys/vm/drop_caches}"
    gate "check metadata" > "$RUN/expected" 2> "$RUN/out" || fail "the head sent no list of what was to be copied" "$RUN/out"
    (cd "$TARGET" && "$@" | sort -z) > "$RUN/actual" 2> "$RUN/out"
    if ! cmp -s "$RUN/expected" "$RUN/actual"; then
        comm -z -3 "$RUN/expected" "$RUN/actual" | head -c 4000 | tr '\0' '\n' > "$RUN/out"
        fail "the copy differs from the image (owner, mode, size, time or name)" "$RUN/out"
    fi
    gate "check content" > "$RUN/expected" 2> "$RUN/out" || fail "the head sent no checksums" "$RUN/out"
    if [ -s "$RUN/expected" ]; then
        (cd "$TARGET" && b2sum --check --quiet --strict) < "$RUN/expected" > "$RUN/out" 2>&1 \
            || fail "the content of copied files differs from the image" "$RUN/out"
    fi
    gate "check xattrs" > "$RUN/expected" 2> "$RUN/out" || fail "the head sent no attributes" "$RUN/out"
    [ -s "$RUN/expected" ] || return 0
    type -P getfattr > /dev/null || fail "the installer has no getfattr, but the image has attributes to be checked"
    (cd "$TARGET" && getfattr -R -P -h -d -m - -e hex . 2> /dev/null) \
        | awk '/^# file: /{f=substr($0,9);next} NF{print f" "$0}' | sort > "$RUN/actual"
    if comm -23 "$RUN/expected" "$RUN/actual" | head -n 20 > "$RUN/out" && [ -s "$RUN/out" ]; then
        fail "attributes (ACLs, capabilities) differ from the image" "$RUN/out"
    fi
}

# enter: what programs of the clone expect to find while they run in it.
enter() {
    local name
    mkdir -p "$TARGET/dev" "$TARGET/proc" "$TARGET/sys" "$TARGET/run" "$TARGET/tmp"
    for name in dev proc sys; do
        mount --rbind "/$name" "$TARGET/$name" || fail "/$name could not be shown to the clone"
        mount --make-rslave "$TARGET/$name"
    done
    mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$TARGET/run" || fail "/run of the clone could not be made"
}

# leave: take those away again.
leave() {
    local name
    umount "$TARGET/run"
    for name in sys proc dev; do umount -R -l "$TARGET/$name"; done
}

# keep_key DIRECTORY: the clone reports its first start with the key that was admitted.
keep_key() {
    inside "$1"
    chmod 0700 .
    cp "$RUN/key" ./key && chmod 0600 ./key || fail "the key for the first start could not be stored"
    cd /
}

# done_with: tell the head, wait for its answer: only then does it send this machine to its disk.
done_with() {
    local answer=''
    stage done
    read -r -t 30 -u "$EVENTS_OUT" answer
    [ "$answer" = ok ] || fail "the head did not confirm the end of the installation"
}

# finish ACTION [KERNEL INITRD LINE]: the post-install action.
finish() {
    trap - EXIT
    console "installed; post-install action: $1"
    case $1 in
        reboot) power reboot ;;
        poweroff | shutdown) power off ;;
        kexec)
            kexec -e || power reboot
            ;;
        beep)
            while :; do
                for REPLY in 880 1175 1397; do beep -f "$REPLY" -l 150 2> /dev/null || printf '\a'; done
                console "INSTALLATION COMPLETE: switch this machine off and on, or press Ctrl-Alt-Del."
                sleep 10
            done
            ;;
        shell)
            console "a shell, as the image asks for; 'exit' restarts the machine"
            cd /
            setsid -c -w bash -i < /dev/console > /dev/console 2>&1
            power reboot
            ;;
        *)
            console "nothing more is done; switch this machine off and on to start its disk."
            while :; do sleep 3600; done
            ;;
    esac
}
