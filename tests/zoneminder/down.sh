#!/bin/bash
# Stop what up.sh started in FOLDER, by process id, and remove the folder: down.sh FOLDER
# A ZoneMinder that was given by its address goes on.
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/zoneminder/lib.sh
. ./lib.sh

[ $# = 1 ] || fail "usage: down.sh FOLDER"
STATE=$1

# Processes of a parent, each with the moment it started.
children_of() { # pid
    local pid
    for pid in $(ps -o pid= --ppid "$1"); do
        echo "$pid:$(started_at "$pid")"
    done
}

is_gone() { # pid moment
    [ "$(started_at "$1")" != "$2" ]
}

stop() { # pid moment
    is_gone "$1" "$2" && return
    kill -TERM "$1"
    for _ in $(seq 200); do
        is_gone "$1" "$2" && return
        sleep 0.1
    done
    kill -KILL "$1"
}

stop_server() { # name
    local pid child children
    pid=$(pid_of "$1") || return 0
    children=$(children_of "$pid")
    stop "$pid" "$(started_at "$pid")"
    for child in $children; do # a daemon that its parent left behind
        stop "${child%%:*}" "${child##*:}"
    done
}

[ -d "$STATE/pids" ] || [ -f "$STATE/instance" ] || fail "$STATE is not the folder of an instance"
stop_server apache2
stop_server zmdc.pl
stop_server mariadbd
grep -qs "localhost:$STATE/" $OVERRIDES && rm -f $OVERRIDES
rm -rf "$STATE"
