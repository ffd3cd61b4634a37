#!/bin/sh
# Called when an event starts: prints the detection string and says by its exit code whether
# something was detected.
#
#   zm_event_start.sh <eid> <mid> [monitor name] [cause] [event path]
#
# Exit 0: detected (the string is on stdout). 1: nothing detected. 2: no decision could be made.
# The notification server and ZoneMinder call it so, and so can you. It asks the service that keeps
# the models loaded, by zm_ask.pl or else by zm_ask.py; where none answers, that becomes zm_detect.py,
# which starts one and decides this event itself.
#
# These variables of the environment may point it elsewhere:
#   ZMHOOK_CONFIG   the configuration (default /etc/zm/objectconfig.ini)
#   ZMHOOK_PYTHON   the Python that has zmhook (default: the environment that install.sh made)
#   ZMHOOK_RUN      the folder of the service's socket (default /run/zmhook, or ../run)
#
# It waits for no program, and leaves that to what it becomes: ZoneMinder starts it with SIGCHLD
# blocked, where a shell's `wait` never returns. So nothing is left behind either when it is killed.

# ZoneMinder's EventStartCommand closes every file; what we open must not be taken for one of them.
exec </dev/null
{ true 3>&1; } 2>/dev/null || exec >/dev/null
true 3>&2 || exec 2>/dev/null
# ... and has everybody write to what we make. The service has this mask too.
umask 007
# The deadline counts from here. Seconds since the machine's start are all that a shell can read.
if [ "${1-}" != --decide ]; then
    unset ZMHOOK_BEGAN
    { read -r ZMHOOK_BEGAN _ </proc/uptime; } 2>/dev/null
    export ZMHOOK_BEGAN
fi

self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac

usage="usage: ${self##*/} <eid> <mid> [monitor name] [cause] [event path]"
case ${1-} in
-h | --help)
    printf '%s\n' "$usage" '' \
        'Prints what was detected in an event of ZoneMinder. Exit 0: detected. 1: nothing detected.' \
        '2: no decision could be made. An empty <mid> is a monitor that is not known.' '' \
        'ZMHOOK_CONFIG   the configuration (default /etc/zm/objectconfig.ini)' \
        'ZMHOOK_PYTHON   the Python that has zmhook' \
        "ZMHOOK_RUN      the folder of the service's socket"
    exit
    ;;
esac
if [ $# -lt 1 ]; then
    printf '%s\n' "$usage" >&2
    exit 2
fi
config=${ZMHOOK_CONFIG:-/etc/zm/objectconfig.ini}
case $config in /*) ;; *) config=${PWD%/}/$config ;; esac
export ZMHOOK_CONFIG="$config"

detect=$here/zm_detect.py
[ -e "$detect" ] || detect=$here/bin/zm_detect.py
client=${detect%/*}/zm_ask

python=${ZMHOOK_PYTHON:-$here/../venv/bin/python}
# In a checkout there is the environment of make, or else any Python that has what it needs.
[ -n "${ZMHOOK_PYTHON:-}" ] || [ -x "$python" ] || python=$here/.venv/bin/python
[ -n "${ZMHOOK_PYTHON:-}" ] || [ -x "$python" ] || python=python3
# -- end

# --- Become the program that answers -----------------------------------------------------------

# A shell that cannot run a program ends with 126 or 127; bash does not care for the trap.
# shellcheck disable=SC3044 # no other shell comes there
[ -n "${BASH_VERSION-}" ] && shopt -s execfail
become() {
    trap 'exit 2' EXIT
    exec "$@"
    exit 2
}

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

# Python, which starts a service and meanwhile decides by itself. One whose own files are gone would end
# with 1, which would mean that nothing was detected; so zm_detect.py itself finds the packages (-S).
look() {
    starts || damaged
    "$python" -S -c "" >/dev/null 2>&1 || damaged
    become "$python" -S "$detect" "$@"
}

if [ "${1-}" = --decide ]; then
    shift
    look "$@"
fi

eid=${1-} mid=${2-} name=${3-} cause=${4-} path=${5-}

# --- The fast way: the service's socket (its name is made as in zmhook/service/place.py) -------

run=${ZMHOOK_RUN:-}
[ -z "$run" ] && [ -w /run/zmhook ] && run=/run/zmhook
[ -n "$run" ] || run=$here/../run

socket_of() {
    # Bytes are counted, which some shells do only without a language.
    language=${LC_ALL-none}
    LC_ALL=C
    rest=${config#/} socket=
    # What stands for a slash is marked where it is itself, and so is the mark.
    while :; do
        case $rest in *[,_]*) ;; *) break ;; esac
        part=${rest%%[,_]*}
        rest=${rest#"$part"}
        case $rest in ,*) socket=$socket$part,, ;; *) socket=$socket$part,_ ;; esac
        rest=${rest#?}
    done
    set -f
    IFS=/
    # shellcheck disable=SC2086 # it is to be split at the slashes
    set -- $socket$rest
    IFS=_
    socket=$*
    unset IFS
    set +f
    # Too long for a socket: its end, and a sum of the whole, which is worth a process. Without that
    # program Python finds the service, more slowly.
    if [ ${#socket} -gt 40 ]; then
        { sum=$(printf %s "$config" | cksum); } 2>/dev/null
        sum=${sum%% *}
        while [ ${#socket} -gt $((39 - ${#sum})) ]; do socket=${socket#?}; done
        socket=$socket,$sum
    fi
    if [ "$language" = none ]; then unset LC_ALL; else LC_ALL=$language; fi
    socket=$run/$socket.sock
}
socket_of

# How long to wait for an answer, and how long for any sign of life: the service writes it down. One of
# an older version gives none while it decides. Root may call us, and others may write there: no link
# is followed, no pipe is waited for, and what is no number does not come into the list of processes.
seconds=30 silence=
told=${socket%.sock}.seconds
[ -f "$told" ] && [ ! -L "$told" ] && [ -r "$told" ] && read -r seconds silence <"$told"
case $seconds in '' | *[!0123456789.]*) seconds=30 ;; esac
case $silence in '' | *[!0123456789.]*) silence=$seconds ;; esac

# Each value is one word, so nothing in it can be taken for an option or for code.
set -- --eventid="$eid" ${mid:+--monitorid="$mid"} --monitorname="$name" --reason="$cause" \
    --eventpath="$path"
[ -S "$socket" ] || look "$@" --ask-service

# Perl is there wherever ZoneMinder is and starts fastest; Python's client is for where it is not.
# They become us again when no service answers, and we then become Python.
set -- "$socket" "$seconds" "$silence" "$eid" "$mid" "$name" "$cause" "$path" "$config" \
    /bin/sh "$self" --decide "$@"
command -v perl >/dev/null && [ -e "$client.pl" ] && become perl "$client.pl" "$@"
starts || damaged
become "$python" -I -S "$client.py" "$@"
