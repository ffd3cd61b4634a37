#!/bin/sh
# Called when an event starts: prints the detection string and says by its exit code whether
# something was detected.
#
#   zm_event_start.sh <eid> <mid> [monitor name] [cause] [event path]
#
# Exit 0: detected (the string is on stdout). 1: nothing detected. 2: no decision could be made.
# The notification server calls it so, and so can you. It asks the service that keeps the models
# loaded, by zm_ask.pl or else by zm_ask.py; where none runs, zm_detect.py starts one and decides this
# event itself.
#
# These variables of the environment may point it elsewhere:
#   ZMHOOK_CONFIG   the configuration (default /etc/zm/objectconfig.ini)
#   ZMHOOK_PYTHON   the Python that has zmhook (default: the environment that install.sh made)
#   ZMHOOK_RUN      the folder of the service's socket (default /run/zmhook, or ../run)

self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac

if [ $# -lt 1 ]; then
    echo "usage: ${self##*/} <eid> <mid> [monitor name] [cause] [event path]" >&2
    exit 2
fi
eid=$1 mid=${2:-} name=${3:-} cause=${4:-} path=${5:-}
config=${ZMHOOK_CONFIG:-/etc/zm/objectconfig.ini}
export ZMHOOK_CONFIG="$config"

# The server may end us at its time-out: take along what works for us, and leave stdout empty. The
# service sees its caller go, and drops the event.
answered=no child=
ended() {
    [ -n "$child" ] && kill "$child" 2>/dev/null
    [ "$answered" = yes ] && exit 0
    exit 1
}
trap ended TERM INT HUP
trap 'answered=yes' USR1

# Wait for $child. The wait is cut short by a signal; go on until the child itself has ended.
await() {
    while :; do
        wait "$child"
        status=$?
        kill -0 "$child" 2>/dev/null || return
    done
}

detect=$here/zm_detect.py
[ -e "$detect" ] || detect=$here/bin/zm_detect.py
client=${detect%/*}/zm_ask

python=${ZMHOOK_PYTHON:-$here/../venv/bin/python}
# In a checkout there is the environment of make, or else any Python that has what it needs.
[ -n "${ZMHOOK_PYTHON:-}" ] || [ -x "$python" ] || python=$here/.venv/bin/python
[ -n "${ZMHOOK_PYTHON:-}" ] || [ -x "$python" ] || python=python3
# -- end

# --- The fast way: the service's socket (its name is made as in zmhook/service/place.py) -------

run=${ZMHOOK_RUN:-}
[ -z "$run" ] && [ -w /run/zmhook ] && run=/run/zmhook
[ -n "$run" ] || run=$here/../run

socket_of() {
    set -f
    IFS=/
    # shellcheck disable=SC2086 # it is to be split at the slashes
    set -- ${config#/}
    IFS=_
    socket=$*
    unset IFS
    set +f
    # Bytes are counted, which some shells do only without a language.
    language=${LC_ALL-none}
    LC_ALL=C
    while [ ${#socket} -gt 40 ]; do socket=${socket#?}; done
    if [ "$language" = none ]; then unset LC_ALL; else LC_ALL=$language; fi
    socket=$run/$socket.sock
}
socket_of

# How long to wait for an answer: the service writes down what its deadlines allow.
# Root may call us, and others may write there: no link is followed, no pipe is waited for, and what is
# no number does not come into the list of processes.
seconds=60
told=${socket%.sock}.seconds
[ -f "$told" ] && [ ! -L "$told" ] && [ -r "$told" ] && read -r seconds <"$told"
case $seconds in '' | *[!0-9]*) seconds=60 ;; esac

# Each value is one word, so nothing in it can be taken for an option or for code. Perl is there
# wherever ZoneMinder is and starts fastest; Python's client is for where it is not. Their exit
# code is the answer, or 3 when no service is there.
ask() {
    command -v perl >/dev/null && [ -e "$client.pl" ] && set -- perl "$client.pl"
    [ $# -gt 0 ] || set -- "$python" -I -S "$client.py"
    exec "$@" "$socket" "$seconds" "$eid" "$mid" "$name" "$cause" "$path" "$config"
}

service=--ask-service
if [ -S "$socket" ]; then
    ask </dev/null &
    child=$!
    await
    [ "$status" -le 2 ] && exit "$status"
    # 4: it did not answer in time. There is none left to ask it again.
    [ "$status" -eq 4 ] && service=
fi

# --- The other way: Python, which starts a service and meanwhile decides by itself --------------

# A file that was written by half is no program; sh would take it for a script.
starts() {
    program=$(command -v "$python") && { IFS= read -r head || :; } <"$program" &&
        case $head in ?ELF* | "#!"*) ;; *) false ;; esac
} 2>/dev/null

# Nothing of ours can run, not even what reads `on_failure`.
damaged() {
    echo "${self##*/}: cannot run: $python is missing or damaged; run install.sh again, which repairs it" \
        "(nothing was decided, and on_failure not read)" >&2
    exit 2
}

starts || damaged

look() {
    ZMHOOK_SHELL_PID=$$ exec "$python" "$detect" --eventid="$eid" ${mid:+--monitorid="$mid"} \
        --monitorname="$name" --reason="$cause" --eventpath="$path" "$@"
}

look ${service:+"$service"} </dev/null &
child=$!
await
# A Python whose own files are gone ends with 1, too, which would mean that nothing was detected.
[ "$status" -eq 1 ] && { "$python" -S -c "" </dev/null >/dev/null 2>&1 || damaged; }
[ "$status" -le 2 ] && exit "$status"
[ "$answered" = yes ] && exit 0

# It crashed (or there is no such Python) before it could answer: `on_failure` decides.
look --undecided="the detection process ended with status $status" </dev/null &
child=$!
await
[ "$status" -gt 2 ] && status=2
exit "$status"
