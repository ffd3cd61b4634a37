# shellcheck shell=bash
# What up.sh and down.sh share. STATE is the folder of the instance.

# shellcheck disable=SC2034 # used by those who source this
OVERRIDES=/etc/zm/conf.d/99-zmhook-test.conf

fail() {
    echo "zoneminder: $*" >&2
    exit 1
}

# As fail, where nothing is broken: this machine is not one for it.
cannot() {
    echo "zoneminder: $*" >&2
    exit 3
}

# A process is known by its id and the moment it started, since ids are used again.
started_at() {
    sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

remember() { # name pid
    echo "$2 $(started_at "$2")" >"$STATE/pids/$1"
}

# Print the pid of a server that this instance started and that still runs.
pid_of() { # name
    local pid moment
    read -r pid moment 2>/dev/null <"$STATE/pids/$1" || return 1
    [ -n "$moment" ] && [ "$(started_at "$pid")" = "$moment" ] && echo "$pid"
}

# Wait until a command succeeds, or fail with a message.
wait_for() { # seconds message command...
    local until=$((SECONDS + $1)) message=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || fail "$message"
        sleep 0.1
    done
}

as_web() {
    setpriv --reuid=www-data --regid=www-data --init-groups env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"
}

sql() {
    mariadb --no-defaults --socket="${SOCKET:-$STATE/sock/mysqld.sock}" --batch --skip-column-names "$@"
}
