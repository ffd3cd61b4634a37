#!/bin/bash
# Bring up a real ZoneMinder for tests: up.sh [--install] FOLDER PORT
#
# On http://127.0.0.1:PORT/zm, without authentication and without monitors; user admin, password
# admin, for when it is switched on. Everything it writes is in FOLDER, but for one file in
# /etc/zm/conf.d and what ZoneMinder itself has in fixed places (/run/zm, /tmp/zm,
# /var/cache/zoneminder/temp). down.sh FOLDER ends it. Debian 12, as root, no systemd needed.
# Exits 3 where that is not possible on this machine.
#
# ZMHOOK_ZM_URL=http://…/zm takes the ZoneMinder of that address, of any version, in place of Debian's:
# one of this machine to try things on, since monitors, events and users are added and options set.
# Nothing is started or installed then. FOLDER holds how to reach it, and
#   ZMHOOK_ZM_SOCKET   is its database's socket; root may use it without a password
#   ZMHOOK_ZM_DATABASE the database's name (zm)
#   ZMHOOK_ZM_EVENTS   the folder of its events (default: as its table Storage says)
#   ZMHOOK_ZM_BIN      the folder of its zmu and zmdc.pl (/usr/bin), with PERL5LIB where they need it
#   ZMHOOK_ZM_REQUESTS the log of its web server, lines as apache.conf writes them
#   ZMHOOK_ZM_CONF     the folder of its zm.conf (/etc/zm)
set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/zoneminder/lib.sh
. ./lib.sh

PACKAGES="zoneminder mariadb-server apache2 libapache2-mod-php ffmpeg curl procps psmisc"
INSTALL=no
if [ "${1:-}" = --install ]; then
    INSTALL=yes
    shift
fi
[ $# = 2 ] || fail "usage: up.sh [--install] FOLDER PORT"
STATE=$1 PORT=$2
SOCKET=${ZMHOOK_ZM_SOCKET:-$STATE/sock/mysqld.sock}
DATABASE=${ZMHOOK_ZM_DATABASE:-zm}
URL=${ZMHOOK_ZM_URL:-http://127.0.0.1:$PORT/zm}

missing_packages() {
    local package
    for package in $PACKAGES; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done
}

install_packages() {
    local missing guard=/usr/sbin/policy-rc.d guarded=no
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    [ $INSTALL = yes ] || cannot "not installed: ${missing[*]} (up.sh --install installs them)"
    # Installing must not start services: ours are started below, in their own folder.
    if [ ! -e $guard ]; then
        printf '#!/bin/sh\nexit 101\n' >$guard && chmod 755 $guard && guarded=yes
    fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$STATE/apt.log" 2>&1
    local status=$?
    [ $guarded = no ] || rm -f $guard
    [ $status = 0 ] || fail "apt-get failed: $(tail -n 3 "$STATE/apt.log")"
}

# zmpkg.pl begins by killing every daemon of these names on the machine.
refuse_others() {
    local name pids
    for name in zmdc.pl zmc zmfilter.pl zmwatch.pl zmstats.pl; do
        pids=$(pidof -x "$name") && cannot "$name runs already (pid $pids): stop that ZoneMinder first"
    done
    return 0
}

make_folders() {
    mkdir -p "$STATE"/{pids,sock,db,tmp,log,apache,sessions,events,exports,run,pictures,scratch} || fail "cannot make $STATE"
    mkdir -p /run/zm /tmp/zm /var/cache/zoneminder/temp
    chmod 755 "$STATE" "$STATE"/*
    chown mysql: "$STATE"/{sock,db,tmp}
    chown www-data: "$STATE"/{sessions,events,exports,run,pictures,scratch,log} /run/zm /tmp/zm /var/cache/zoneminder/temp
    as_web test -r "$STATE/events" || fail "www-data cannot get to $STATE: put it where everybody may go"
}

configure() {
    chgrp www-data /etc/zm/zm.conf && chmod 640 /etc/zm/zm.conf # Debian: readable by root alone
    cat >$OVERRIDES <<END
ZM_DB_HOST=localhost:$SOCKET
ZM_DIR_EVENTS=$STATE/events
ZM_DIR_EXPORTS=$STATE/exports
ZM_PATH_SOCKS=$STATE/run
ZM_PATH_LOGS=$STATE/log
ZM_PATH_SWAP=$STATE/exports
ZM_PATH_FFMPEG=/usr/bin/ffmpeg
END
}

start_database() {
    pid_of mariadbd >/dev/null && return
    [ -d "$STATE/db/mysql" ] || mariadb-install-db --no-defaults --user=mysql --datadir="$STATE/db" --tmpdir="$STATE/tmp" \
        --auth-root-authentication-method=normal --skip-test-db >"$STATE/log/install-db.log" 2>&1 ||
        fail "mariadb-install-db failed: $(tail -n 3 "$STATE/log/install-db.log")"
    # utf8mb4 is what Debian's own configuration sets.
    setsid mariadbd --no-defaults --user=mysql --datadir="$STATE/db" --socket="$SOCKET" --tmpdir="$STATE/tmp" \
        --pid-file="$STATE/sock/pid" --skip-networking --character-set-server=utf8mb4 \
        --collation-server=utf8mb4_general_ci --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=2 \
        </dev/null >>"$STATE/log/mariadbd.log" 2>&1 &
    wait_for 60 "the database does not start: $STATE/log/mariadbd.log" sql -e 'select 1'
    remember mariadbd "$(cat "$STATE/sock/pid")"
}

load_schema() {
    sql -e 'select 1 from zm.Config limit 1' >/dev/null 2>&1 && return
    mariadb --no-defaults --socket="$SOCKET" </usr/share/zoneminder/db/zm_create.sql || fail "the schema cannot be loaded"
    sql -e "CREATE USER 'zmuser'@'localhost' IDENTIFIED BY 'zmpass';
            GRANT ALL ON zm.* TO 'zmuser'@'localhost';" || fail "the database user cannot be made"
}

# Options that a fresh ZoneMinder does not have, or its API cannot be used.
set_options() {
    sql "$DATABASE" -e "UPDATE Users SET APIEnabled=1 WHERE Username='admin';
               UPDATE Config SET Value='0' WHERE Name IN ('ZM_SHOW_PRIVACY', 'ZM_OPT_USE_AUTH', 'ZM_CHECK_FOR_UPDATES', 'ZM_TELEMETRY_DATA');
               UPDATE Config SET Value='secret of the tests' WHERE Name='ZM_AUTH_HASH_SECRET';" ||
        fail "the options cannot be set"
}

store_events_here() {
    sql zm -e "UPDATE Storage SET Path='$STATE/events'" || fail "the folder of events cannot be set"
}

start_web() {
    pid_of apache2 >/dev/null && return
    local php
    php=$(find /usr/lib/apache2/modules -name 'libphp*.so' | sort | tail -n 1)
    apache2 -C "Define STATE $STATE" -C "Define PORT $PORT" -C "Define PHP $php" -f "$PWD/apache.conf" -k start ||
        fail "apache2 does not start: $STATE/log/apache-error.log"
    wait_for 20 "apache2 does not start: $STATE/log/apache-error.log" test -s "$STATE/apache/pid"
    remember apache2 "$(cat "$STATE/apache/pid")"
}

start_daemons() {
    pid_of zmdc.pl >/dev/null && return
    refuse_others
    as_web zmpkg.pl start >>"$STATE/log/zmpkg.log" 2>&1 || fail "zmpkg.pl start failed: $STATE/log/zmpkg.log"
    remember zmdc.pl "$(cat /run/zm/zm.pid)"
}

api_answers() {
    curl --silent --max-time 5 "$URL/api/host/getVersion.json" | grep -q '"apiversion"'
}

# What the tests read: where everything of this instance is.
write_down() { # events programs perl requests conf
    printf '%s\n' "$URL" >"$STATE/url"
    printf '%s\n' "socket=$SOCKET" "database=$DATABASE" "events=$1" "programs=$2" "perl=$3" "requests=$4" "conf=$5" \
        >"$STATE/instance"
}

take_given() {
    [ -S "$SOCKET" ] || cannot "ZMHOOK_ZM_SOCKET is not the socket of a database: $SOCKET"
    local events=${ZMHOOK_ZM_EVENTS:-}
    [ -n "$events" ] || events=$(sql "$DATABASE" -e 'SELECT Path FROM Storage ORDER BY Id LIMIT 1') || fail "the database does not answer"
    mkdir -p "$STATE"/{pictures,scratch} && chmod 755 "$STATE" "$STATE"/pictures && chown www-data: "$STATE"/{pictures,scratch}
    set_options
    wait_for 30 "the API does not answer at $URL/api" api_answers
    write_down "$events" "${ZMHOOK_ZM_BIN:-/usr/bin}" "${PERL5LIB:-}" "${ZMHOOK_ZM_REQUESTS:-}" "${ZMHOOK_ZM_CONF:-/etc/zm}"
}

[ "$(id -u)" = 0 ] || cannot "must run as root"
mkdir -p "$STATE" || fail "cannot make $STATE"
if [ -n "${ZMHOOK_ZM_URL:-}" ]; then
    take_given
    echo "$URL"
    exit
fi
pid_of zmdc.pl >/dev/null || refuse_others
install_packages
make_folders
configure
start_database
load_schema
set_options
store_events_here
start_web
start_daemons
wait_for 30 "the API does not answer at $URL/api" api_answers
write_down "$STATE/events" /usr/bin "" "$STATE/log/apache-access.log" /etc/zm
echo "$URL"
