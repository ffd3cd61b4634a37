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

# No other exit code than 0, 1 and 2: whatever ends this shell before it has become another program.
trap 'exit 2' EXIT
# A shell that cannot run a program ends with 126 or 127; bash does not care for the trap then.
# shellcheck disable=SC3044 # no other shell comes there
[ -n "${BASH_VERSION-}" ] && shopt -s execfail

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
if [ -L "$self" ]; then
    self=$(readlink -f -- "$self") && [ -n "$self" ] || exit 2
fi
case $self in
/*) ;;
*) self=${PWD%/}/$self ;;
esac
here=${self%/*}

usage="usage: ${self##*/} <eid> <mid> [monitor name] [cause] [event path]"
case ${1-} in
-h | --help)
    printf '%s\n' "$usage" '' \
        'Prints what was detected in an event of ZoneMinder. Exit 0: detected. 1: nothing detected.' \
        '2: no decision could be made. An empty <mid> is a monitor that is not known.' '' \
        'ZMHOOK_CONFIG   the configuration (default /etc/zm/objectconfig.ini)' \
        'ZMHOOK_PYTHON   the Python that has zmhook' \
        "ZMHOOK_RUN      the folder of the service's socket" || exit 2
    trap - EXIT
    exit 0
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

become() {
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
    echo "${self##*/}: cannot run: ${1:-$python} is missing or damaged; run install.sh again, which repairs it" \
        "(nothing was decided, and on_failure not read)" >&2
    exit 2
}

# Python, which starts a service and meanwhile decides by itself. One whose own files are gone would end
# with 1, which would mean that nothing was detected, and so would a script that is cut short or no file;
# an empty one would end with 0. So zm_detect.py itself finds the packages (-S), and is whole.
whole='import sys
with open(sys.argv[1], encoding="utf-8") as file: text = file.read()
compile(text, "", "exec")
sys.exit(0 if text.endswith("os._exit(code)\n") else 3)'
look() {
    starts || damaged
    "$python" -S -c "$whole" "$detect" >/dev/null 2>&1 || {
        "$python" -S -c "" >/dev/null 2>&1 || damaged
        damaged "$detect"
    }
    become "$python" -S "$detect" "$@"
}

if [ "${1-}" = --decide ]; then
    shift
    look "$@"
fi

eid=${1-} mid=${2-} name=${3-} cause=${4-} path=${5-}
# What is too long for one argument with a word before it would end everything. Nothing real is so long.
if [ ${#eid} -gt 100 ]; then eid=$(printf %.100s "$eid"); fi
if [ ${#mid} -gt 100 ]; then mid=$(printf %.100s "$mid"); fi
if [ ${#name} -gt 4096 ]; then name=$(printf %.4096s "$name"); fi
if [ ${#cause} -gt 4096 ]; then cause=$(printf %.4096s "$cause"); fi
if [ ${#path} -gt 8192 ]; then path=; fi
# Whoever calls us by hand may name a folder from where he is; the service is elsewhere.
case $path in '' | /*) ;; *) if [ -d "./$path" ]; then path=${PWD%/}/$path; fi ;; esac

# --- The fast way: the service's socket (its name is made as in zmhook/service/paths.py) -------

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

# Each value is one word, so nothing in it can be taken for an option or for code.
set -- --eventid="$eid" ${mid:+--monitorid="$mid"} --monitorname="$name" --reason="$cause" \
    --eventpath="$path"
[ -S "$socket" ] || look "$@" --ask-service

# Perl is there wherever ZoneMinder is and starts fastest; Python's client is for where it is not. The
# clients read how long to wait beside the socket; 28.5 s is for where nothing is told. They become us
# again when no service answers, and we then become Python. A client that is cut short or no file at
# all ends in no answer either, instead of in an exit code of its own.
# shellcheck disable=SC2016 # it is for that shell
set -- "$socket" 28.5 28.5 "$eid" "$mid" "$name" "$cause" "$path" "$config" \
    /bin/sh -c 'trap "exit 2" EXIT; . "$0"' "$self" --decide "$@"

set -f
IFS=:
perl=
for folder in ${PATH-/usr/bin:/bin}; do
    # The shell would take an empty file for a script, which detects something.
    if [ -x "$folder/perl" ] && [ -f "$folder/perl" ] && [ -s "$folder/perl" ]; then
        perl=$folder/perl
        break
    fi
done
unset IFS
set +f
# shellcheck disable=SC2016 # Perl's variables
[ -z "$perl" ] || [ ! -e "$client.pl" ] || become "$perl" -e 'my @otherwise = @ARGV[10 .. $#ARGV];
do shift; exec { $otherwise[0] } @otherwise, "--ask-service"; exit 2' "$client.pl" "$@"
starts || damaged
become "$python" -I -S -c 'import sys
command = sys.argv[11:]
del sys.argv[0]
try:
    with open(sys.argv[0], "rb") as file: exec(compile(file.read(), sys.argv[0], "exec"))
except BaseException: pass
try:
    from posix import execv
    execv(command[0], [*command, "--ask-service"])
except BaseException: sys.exit(2)' "$client.py" "$@"
