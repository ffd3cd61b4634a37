#!/bin/sh
# Called when an event starts: prints the detection string and says by its exit code whether
# something was detected.
#
#   zm_event_start.sh <eid> <mid> [monitor name] [cause] [event path]
#
# Exit 0: detected (the string is on stdout). 1: nothing detected. 2: no decision could be made.
# The notification server calls it so, and so can you. Two variables of the environment may point
# it elsewhere:
#   ZMHOOK_CONFIG   the configuration (default /etc/zm/objectconfig.ini)
#   ZMHOOK_PYTHON   the Python that has zmhook (default: the environment that install.sh made)

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

detect=$here/zm_detect.py
[ -e "$detect" ] || detect=$here/bin/zm_detect.py

python=${ZMHOOK_PYTHON:-}
for candidate in "$here/../venv/bin/python" "$here/.venv/bin/python"; do
    [ -z "$python" ] && [ -x "$candidate" ] && python=$candidate
done
[ -n "$python" ] || python=python3

# Each value is one word with its option, so nothing in it can be taken for an option or code.
look() {
    ZMHOOK_SHELL_PID=$$ exec "$python" "$detect" --eventid="$eid" ${mid:+--monitorid="$mid"} \
        --monitorname="$name" --reason="$cause" --eventpath="$path" "$@"
}
eid=$1 mid=${2:-} name=${3:-} cause=${4:-} path=${5:-}

# The server may end us at its time-out: take the model with us and leave stdout empty.
answered=no child=
ended() {
    [ -n "$child" ] && kill "$child" 2>/dev/null
    [ "$answered" = yes ] && exit 0
    exit 1
}
trap ended TERM INT HUP
trap 'answered=yes' USR1

look </dev/null &
child=$!
# The wait is cut short by a signal; go on until the child itself has ended.
while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
done

if [ "$status" -gt 2 ] && [ "$answered" = yes ]; then
    exit 0
elif [ "$status" -gt 2 ]; then
    # It crashed (or there is no such Python) before it could answer: `on_failure` decides.
    look --undecided="the detection process ended with status $status" </dev/null &
    child=$!
    wait "$child"
    status=$?
    while kill -0 "$child" 2>/dev/null; do
        wait "$child"
        status=$?
    done
    [ "$status" -gt 2 ] && status=2
fi
exit "$status"
