#!/bin/bash
# Installs zmhook beside ZoneMinder: an environment of its own, the scripts that the notification
# server calls, folders and configuration. Running it again changes only what differs.
# ./install.sh --help shows the options.

set -u
umask 022
export LC_ALL=C.UTF-8

SOURCE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
SCRIPTS="bin/zm_detect.py bin/zm_ask.pl bin/zm_ask.py bin/zm_train_faces.py bin/zm_snapshots.py zm_event_start.sh zm_event_end.sh"
DEFAULT_EXTRAS=zoneminder,yolo,face,cli
# Pictures of people, what is logged about them, and a login are nobody else's business.
DATA_FOLDERS="images:750 known_faces:750 unknown_faces:750 snapshots:750 state:750 logs:750 cache:700 run:770 models:755"
UNITS="zmhook.socket zmhook.service"
COLLECTOR=zmhook-snapshots.service

PREFIX='' RUN_AS='' RUN_GROUP='' EXTRAS='' PYTHON='' WHEELS='' USE_SYSTEM=''
ASK=yes MODELS=yes DRY=no UNINSTALL=no SYSTEMD=no CHANGES=0 RENEWED=no NOTES=()

usage() {
    cat <<END
usage: ./install.sh [OPTIONS]

  --yes                 ask nothing; the defaults and the options below decide
  --with EXTRA,EXTRA    parts to install (default $DEFAULT_EXTRAS)
                        there are: $(known_extras | tr '\n' ' ')
  --no-models           fetch no model files (zmhook models get does it later)
  --user USER           who runs the hooks (default: www-data, apache or http, whichever exists)
  --group GROUP         that user's group (default: the user's own)
  --prefix DIR          put everything below DIR instead of /
  --python PYTHON       the Python to build the environment with (3.10 or newer)
  --wheels DIR          install without a network, from wheels that were gathered before with
                        pip download -d DIR '.[$DEFAULT_EXTRAS]' 'setuptools>=69'
  --use-system LIST     use this machine's own opencv and/or dlib (built with CUDA, say) in
                        place of the packaged one: --use-system opencv,dlib (none: no longer)
  --systemd             have systemd keep the service running; without it, hooks start the service
                        when there is something to do. With the part mqtt it also runs what
                        collects cameras' snapshots
  --dry-run             say what would be done and do nothing
  --uninstall           remove what was installed; configuration, faces and pictures stay
  --help                show this

Parts, user, --use-system and --systemd are remembered: running it again needs none of them.
END
}

say() { printf '%s\n' "$*"; }
note() { NOTES+=("$*"); }
die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# do_it WHAT COMMAND...: say what changes, and change it unless this is a dry run.
do_it() {
    local what=$1
    shift
    CHANGES=$((CHANGES + 1))
    if [ "$DRY" = yes ]; then
        say "would $what"
        return
    fi
    say "$what"
    "$@" || die "could not $what"
}

# -- options and checks ----------------------------------------------------------------------------

known_extras() {
    # Those of pyproject.toml that a user has a use for.
    sed -n '/^\[project.optional-dependencies\]/,/^\[project.scripts\]/s/^\([a-z-]*\) = .*/\1/p' \
        "$SOURCE/pyproject.toml" | grep -vxE 'demo|test|lint|docs|dev'
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --with | --user | --group | --prefix | --python | --wheels | --use-system)
            if [ $# -lt 2 ] || [ -z "$2" ]; then die "$1 needs a value (--help shows the options)"; fi
            ;;
        esac
        case $1 in
        --yes | -y) ASK=no ;;
        --no-models) MODELS=no ;;
        --systemd) SYSTEMD=yes ;;
        --dry-run) DRY=yes ;;
        --uninstall) UNINSTALL=yes ;;
        --with) EXTRAS=$2 && shift ;;
        --user) RUN_AS=$2 && shift ;;
        --group) RUN_GROUP=$2 && shift ;;
        --prefix) PREFIX=$(readlink -m -- "$2") && shift ;;
        --python) PYTHON=$2 && shift ;;
        --wheels) WHEELS=$(readlink -m -- "$2") && shift ;;
        --use-system) USE_SYSTEM=$2 && shift ;;
        --help | -h) usage && exit 0 ;;
        *) die "unknown option $1 (--help shows the options)" ;;
        esac
        shift
    done
    [ "$PREFIX" = / ] && PREFIX=
    BASE=$PREFIX/var/lib/zmeventnotification ETC=$PREFIX/etc/zm
    VENV=$BASE/venv COMMAND=$PREFIX/usr/local/bin/zmhook UNIT_FOLDER=$PREFIX/etc/systemd/system
    recall
}

# What was chosen the last time holds unless this run says otherwise.
recall() {
    local extras='' system=''
    if [ -r "$VENV/.choices" ]; then { read -r extras && read -r system; } <"$VENV/.choices"; fi
    EXTRAS=${EXTRAS:-${extras:-$DEFAULT_EXTRAS}}
    USE_SYSTEM=${USE_SYSTEM:-$system}
    if [ -e "$UNIT_FOLDER/zmhook.service" ]; then SYSTEMD=yes; fi
    if [ "$USE_SYSTEM" = none ]; then USE_SYSTEM=; fi
    if [ -z "$RUN_AS" ] && [ -d "$BASE/images" ] && [ "$(id -u)" = 0 ]; then
        RUN_AS=$(stat -c %U "$BASE/images")
        RUN_GROUP=${RUN_GROUP:-$(stat -c %G "$BASE/images")}
    fi
}

check_rights() {
    if [ -z "$PREFIX" ] && [ "$(id -u)" != 0 ] && [ "$DRY" = no ]; then
        die "it writes to /var/lib and /etc: run it as root (sudo ./install.sh), or with --prefix DIR"
    fi
    return 0
}

check_words() {
    local word
    for word in ${EXTRAS//,/ }; do
        known_extras | grep -qxF -- "$word" || die "--with: there is no part '$word'; there are: $(known_extras | paste -sd' ')"
    done
    for word in ${USE_SYSTEM//,/ }; do
        case $word in opencv | dlib) ;; *) die "--use-system: expected opencv or dlib, not '$word'" ;; esac
    done
    if [ -n "$WHEELS" ] && [ ! -d "$WHEELS" ]; then die "--wheels: there is no folder $WHEELS"; fi
    return 0
}

default_user() {
    local candidate
    for candidate in www-data apache http; do
        if id -u "$candidate" >/dev/null 2>&1; then say "$candidate" && return; fi
    done
}

check_user() {
    RUN_AS=${RUN_AS:-$(default_user)}
    id -u "${RUN_AS:-no-such-user}" >/dev/null 2>&1 ||
        die "there is no user ${RUN_AS:-www-data, apache or http}: name the web server's with --user"
    RUN_GROUP=${RUN_GROUP:-$(id -gn "$RUN_AS")}
    getent group "$RUN_GROUP" >/dev/null || die "there is no group $RUN_GROUP: name the web server's with --group"
}

find_python() {
    local candidate found=''
    # The machine's own first: one in somebody's home folder is out of the web server's reach.
    for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.10}; do
        candidate=$(command -v "$candidate") || continue
        found=$candidate
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
        candidate=
    done
    [ -n "$found" ] || die "there is no ${PYTHON:-python3}: install it (apt-get install python3 python3-venv)"
    [ -n "$candidate" ] || die "$("$found" --version 2>&1) is too old, 3.10 or newer is needed: name another with --python"
    PYTHON=$candidate
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$PYTHON cannot make environments: install its venv module (apt-get install python3-venv)"
    if [ "$(id -u)" = 0 ] && ! as_user test -x "$("$PYTHON" -c 'import sys; print(sys._base_executable)')"; then
        die "$RUN_AS may not run $PYTHON (it lies in somebody's home folder?): name another with --python"
    fi
}

as_user() { setpriv --reuid="$RUN_AS" --regid="$RUN_GROUP" --clear-groups -- "$@"; }

# -- questions ---------------------------------------------------------------------------------------

ask() {
    local answer
    read -r -p "$1 [$2] " answer || die "no answer: give --yes to be asked nothing"
    REPLY=${answer:-$2}
}

questions() {
    [ -t 0 ] || die "there is nobody to ask (no terminal): give --yes, and options where the defaults do not fit"
    say "Installs zmhook into $BASE, its configuration into $ETC."
    ask "Which parts? There are: $(known_extras | paste -sd' ')" "$EXTRAS"
    EXTRAS=$REPLY
    ask "Which user runs the hooks (the web server's)?" "${RUN_AS:-$(default_user)}"
    RUN_AS=$REPLY
    ask "Fetch the model files that the configuration uses (about 36 MB)? yes or no" "$MODELS"
    case $REPLY in [yY]*) MODELS=yes ;; *) MODELS=no ;; esac
    ask "Go on? yes or no" yes
    case $REPLY in [yY]*) ;; *) say "Nothing was changed." && exit 0 ;; esac
}

# -- steps -------------------------------------------------------------------------------------------

may_own() { [ "$(id -u)" = 0 ]; }

# as_owned USER:GROUP MODE INSTALL-ARGUMENTS: install(1), with the owner where we may set one.
as_owned() {
    local options=(-m "$2")
    if may_own; then options+=(-o "${1%:*}" -g "${1#*:}"); fi
    shift 2
    install "${options[@]}" "$@"
}

# own PATH USER:GROUP MODE: set owner and mode where they differ.
own() {
    local path=$1 owner=$2 mode=$3
    if [ "$(stat -c %a "$path")" != "$mode" ]; then do_it "set mode $mode on $path" chmod "$mode" "$path"; fi
    if may_own && [ "$(stat -c %U:%G "$path")" != "$owner" ]; then
        do_it "give $path to $owner" chown "$owner" "$path"
    fi
}

folder() {
    if [ -d "$1" ]; then own "$@"; else do_it "make the folder $1" as_owned "$2" "$3" -d "$1"; fi
}

folders() {
    local entry
    [ -d "$ETC" ] || folder "$ETC" root:root 755
    folder "$BASE" root:root 755
    folder "$BASE/bin" root:root 755
    for entry in $DATA_FOLDERS; do
        folder "$BASE/${entry%:*}" "$RUN_AS:$RUN_GROUP" "${entry#*:}"
    done
}

# What the environment was made from; it is made anew only when this differs.
fingerprint() {
    {
        printf '%s\n' "$EXTRAS" "$USE_SYSTEM" "$("$PYTHON" -VV)" "$(readlink -f "$PYTHON")"
        (cd "$SOURCE" && find hook pyproject.toml setup.py -type f -not -path '*/__pycache__/*' \
            -not -path '*.egg-info/*' -print0 | sort -z | xargs -0 sha256sum)
    } | sha256sum | cut -d' ' -f1
}

environment() {
    local now
    now=$(fingerprint)
    if [ "$(cat "$VENV/.made-from" 2>/dev/null)" = "$now" ]; then return 0; fi
    do_it "install the Python packages into $VENV (parts: $EXTRAS)" make_environment
    if [ "$DRY" = no ]; then
        printf '%s\n' "$EXTRAS" "$USE_SYSTEM" >"$VENV/.choices"
        printf '%s\n' "$now" >"$VENV/.made-from"
    fi
}

make_environment() {
    local log work
    RENEWED=yes
    rm -f "$VENV/.made-from"
    unlink_system
    if [ ! -x "$VENV/bin/python" ] || ! same_python; then
        "$PYTHON" -m venv --clear "$VENV" || die "$PYTHON could not make the environment $VENV"
    fi
    # Built from a copy, so that the checkout gets no files of root's.
    work=$(mktemp -d) && log=$work/pip.log
    remove_other_engine
    cp -r "$SOURCE"/{hook,pyproject.toml,setup.py,README.md,LICENSE} "$work/" || die "the checkout $SOURCE is not complete"
    if ! pip_install "$work" >"$log" 2>&1; then
        cp "$log" "$VENV/pip.log"
        explain_pip "$VENV/pip.log"
    fi
    rm -rf "$work"
    link_system
}

same_python() { [ "$("$VENV/bin/python" -VV 2>/dev/null)" = "$("$PYTHON" -VV)" ]; }

pip_install() {
    local options=(--disable-pip-version-check --no-input --use-pep517 --retries 2 --timeout 20)
    if [ -n "$WHEELS" ]; then options+=(--no-index --find-links "$WHEELS"); fi
    if [ -n "$USE_SYSTEM" ]; then
        # What was compiled against one numpy cannot be used with the next major one.
        printf 'numpy==%s.*\n' "$("$PYTHON" -c 'import numpy; print(numpy.__version__.split(".")[0])' || echo 2)" >"$1/pins"
        options+=(-c "$1/pins")
    fi
    "$VENV/bin/python" -m pip install "${options[@]}" "$1[$EXTRAS]"
}

# The two builds of ONNX Runtime overwrite each other's files.
remove_other_engine() {
    local other=onnxruntime-gpu
    case ,$EXTRAS, in *,yolo-gpu,*) other=onnxruntime ;; esac
    "$VENV/bin/python" -m pip uninstall -q -y "$other" >/dev/null 2>&1
}

explain_pip() {
    if grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|Temporary failure|Name or service|Network is unreachable|ConnectionError' "$1"; then
        die "the Python packages cannot be fetched: no network? Try again with one, or gather the wheels elsewhere and give --wheels DIR (--help shows how). Details: $1"
    fi
    die "pip: $(grep -m1 -o 'ERROR: .*' "$1" || tail -n1 "$1") (details: $1)"
}

# -- this machine's own OpenCV and dlib ------------------------------------------------------------

packages_of() {
    case $1 in
    opencv) say "cv2 opencv-contrib-python-headless" ;;
    dlib) say "dlib dlib-bin" ;;
    esac
}

site() { "$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))'; }

unlink_system() {
    # pip must never write through a link into the machine's own packages.
    [ -x "$VENV/bin/python" ] && find "$(site)" -maxdepth 1 -type l -delete
    return 0
}

link_system() {
    local word module package file files
    for word in ${USE_SYSTEM//,/ }; do
        read -r module package <<<"$(packages_of "$word")"
        files=$(files_of "$module") || die "$PYTHON has no module $module that could be used"
        "$VENV/bin/python" -m pip uninstall -q -y "$package" || die "pip could not remove $package"
        while read -r file; do
            ln -s "$file" "$(site)/" || die "$file could not be linked into $VENV"
        done <<<"$files"
        "$VENV/bin/python" -c "import $module" 2>"$VENV/system.log" ||
            die "this machine's $word does not work with the environment: $(tail -n1 "$VENV/system.log")"
        say "uses this machine's $word: $("$VENV/bin/python" -c "import $module; print($module.__version__, $module.__file__)")"
    done
}

# The module's own files, and the libraries that belong to it (dlib's is a second module).
files_of() {
    "$PYTHON" - "$1" <<'END'
import importlib.util, pathlib, sys
found = importlib.util.find_spec(sys.argv[1])
if found is None or not found.origin:
    sys.exit(1)
path = pathlib.Path(found.origin)
print(path.parent if path.name.startswith("__init__") else path)
for extra in ("_dlib_pybind11",) if sys.argv[1] == "dlib" else ():
    other = importlib.util.find_spec(extra)
    if other:
        print(other.origin)
END
}

# -- scripts and configuration ---------------------------------------------------------------------

# put FILE TARGET USER:GROUP MODE: copy when the content differs, in one step for whoever reads it.
put() {
    if cmp -s "$1" "$2"; then own "$2" "$3" "$4"; else do_it "write $2" replace "$@"; fi
}

replace() { as_owned "$3" "$4" "$1" "$2.tmp" && mv "$2.tmp" "$2"; }

scripts() {
    local script work
    work=$(mktemp -d)
    for script in $SCRIPTS; do
        [ -f "$SOURCE/$script" ] || die "the checkout $SOURCE is not complete: $script is missing"
        sed "1s|^#!.*python.*|#!$VENV/bin/python|" "$SOURCE/$script" >"$work/script"
        put "$work/script" "$BASE/bin/${script##*/}" root:root 755
    done
    rm -rf "$work"
    if [ "$(readlink "$COMMAND" 2>/dev/null)" != "$VENV/bin/zmhook" ]; then
        if [ -e "$COMMAND" ] && [ ! -L "$COMMAND" ]; then die "$COMMAND is there and is not ours: move it away"; fi
        do_it "link $COMMAND" link_command
    fi
}

link_command() { mkdir -p "${COMMAND%/*}" && ln -sfn "$VENV/bin/zmhook" "$COMMAND"; }

configuration() {
    local work
    work=$(mktemp -d)
    configured >"$work/objectconfig.ini" || die "the checkout $SOURCE is not complete: objectconfig.ini"
    offer "$work/objectconfig.ini" "$ETC/objectconfig.ini" root:root 644
    if [ ! -e "$ETC/secrets.ini" ]; then
        put "$SOURCE/secrets.ini.example" "$ETC/secrets.ini" "root:$RUN_GROUP" 640
    else
        own "$ETC/secrets.ini" "root:$RUN_GROUP" 640
    fi
    rm -rf "$work"
}

# The sample, with the secrets file that lies beside it, and with the folder where that is not the
# default.
configured() {
    sed -E "s|^#?secrets *=.*|secrets = secrets.ini|
        ${PREFIX:+s|^#?base_data_path *=.*|base_data_path = $BASE|}" "$SOURCE/objectconfig.ini"
}

# offer FILE TARGET OWNER MODE: what is there is never overwritten; a newer one lands beside it.
offer() {
    if [ ! -e "$2" ]; then
        put "$@"
    elif ! cmp -s "$1" "$2"; then
        put "$1" "$2.new" "$3" "$4"
        note "$2 is yours and was left alone; the one of this version is $2.new."
    fi
}

models() {
    [ "$MODELS" = yes ] || return 0
    if [ "$DRY" = yes ]; then
        say "would fetch the model files that $ETC/objectconfig.ini uses into $BASE/models"
        return 0
    fi
    "$VENV/bin/zmhook" models verify -c "$ETC/objectconfig.ini" >/dev/null 2>&1 && return 0
    CHANGES=$((CHANGES + 1))
    say "fetch the model files that $ETC/objectconfig.ini uses"
    fetch "$VENV/bin/zmhook" models get -c "$ETC/objectconfig.ini" ||
        note "Model files are missing (see above): run zmhook models get as $RUN_AS when there is a network, or set models = hog."
}

# As the user who may replace the files later.
fetch() { if may_own; then as_user "$@"; else "$@"; fi; }

# -- systemd -----------------------------------------------------------------------------------------

units() {
    local unit before=$CHANGES work
    [ "$SYSTEMD" = yes ] || return 0
    work=$(mktemp -d)
    if [ ! -d "$UNIT_FOLDER" ]; then folder "$UNIT_FOLDER" root:root 755; fi
    for unit in $UNITS $COLLECTOR; do
        filled_in "$SOURCE/systemd/$unit" >"$work/$unit" || die "the checkout $SOURCE is not complete: systemd/$unit"
        put "$work/$unit" "$UNIT_FOLDER/$unit" root:root 644
    done
    rm -rf "$work"
    if ! under_systemd; then
        if [ "$CHANGES" -gt "$before" ]; then note "systemd does not run here: the units in $UNIT_FOLDER were not started."; fi
    elif [ "$CHANGES" -gt "$before" ]; then
        do_it "let systemd start the service, now and with the machine" start_units
        collector
    elif [ "$RENEWED" = yes ]; then
        do_it "restart the service" systemctl restart zmhook.service
        collector
    fi
}

# Cameras' snapshots are collected where the part for it is installed.
collector() {
    if has_part mqtt || has_part all; then
        do_it "let systemd collect cameras' snapshots, now and with the machine" start_collector
    elif systemctl -q is-enabled "$COLLECTOR" 2>/dev/null; then
        do_it "end collecting cameras' snapshots: the part mqtt is not installed" systemctl -q disable --now "$COLLECTOR"
    fi
}

has_part() { case ,$EXTRAS, in *,"$1",*) ;; *) return 1 ;; esac }

start_collector() { systemctl daemon-reload && systemctl -q enable "$COLLECTOR" && systemctl restart "$COLLECTOR"; }

filled_in() {
    sed -e "s|@USER@|$RUN_AS|; s|@GROUP@|$RUN_GROUP|; s|@ZMHOOK@|$VENV/bin/zmhook|" \
        -e "s|@CONFIG@|$ETC/objectconfig.ini|; s|@SOCKET@|/run/zmhook/$(socket_name)|" \
        -e "s|@BASE@|$BASE|" "$1"
}

# As zmhook/service/place.py names it.
socket_name() { printf '%s' "${ETC#/}/objectconfig.ini" | tr / _ | tail -c 40 && printf .sock; }

# Units below a prefix are nothing that this machine's systemd knows.
under_systemd() { [ -z "$PREFIX" ] && [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; }

start_units() {
    # One that a hook has started would hold the lock, and its socket lies elsewhere.
    "$VENV/bin/zmhook" service stop -c "$ETC/objectconfig.ini" >/dev/null 2>&1
    # shellcheck disable=SC2086 # the names are words
    systemctl daemon-reload && systemctl -q enable $UNITS && systemctl restart $UNITS
}

stop_service() {
    if under_systemd && [ -e "$UNIT_FOLDER/zmhook.service" ]; then
        # shellcheck disable=SC2086
        do_it "stop the service" systemctl -q disable --now $UNITS
        if [ -e "$UNIT_FOLDER/$COLLECTOR" ]; then do_it "stop collecting snapshots" systemctl -q disable --now "$COLLECTOR"; fi
    fi
    if [ "$DRY" = no ] && [ -x "$VENV/bin/zmhook" ]; then
        "$VENV/bin/zmhook" service stop -c "$ETC/objectconfig.ini" >/dev/null 2>&1
    fi
    return 0
}

remove_units() {
    local unit
    for unit in $UNITS $COLLECTOR; do
        if [ -e "$UNIT_FOLDER/$unit" ]; then do_it "remove $UNIT_FOLDER/$unit" rm -f "$UNIT_FOLDER/$unit"; fi
    done
    if [ "$DRY" = no ] && under_systemd; then systemctl daemon-reload; fi
    return 0
}

# -- uninstall ---------------------------------------------------------------------------------------

uninstall() {
    local script
    stop_service
    remove_units
    if [ "$(readlink "$COMMAND" 2>/dev/null)" = "$VENV/bin/zmhook" ]; then do_it "remove $COMMAND" rm -f "$COMMAND"; fi
    for script in $SCRIPTS; do
        if [ -e "$BASE/bin/${script##*/}" ]; then do_it "remove $BASE/bin/${script##*/}" rm -f "$BASE/bin/${script##*/}"; fi
    done
    if [ -d "$VENV" ]; then do_it "remove $VENV" rm -rf "$VENV"; fi
    # A login to ZoneMinder is kept in the first, what the service left in the second, messages that
    # were not sent yet, with the passwords for that, in the last.
    for script in cache run state/spool; do
        if [ -d "$BASE/$script" ]; then do_it "remove $BASE/$script" rm -rf "${BASE:?}/$script"; fi
    done
    if [ -e "$ETC/objectconfig.ini.new" ]; then do_it "remove $ETC/objectconfig.ini.new" rm -f "$ETC/objectconfig.ini.new"; fi
    remove_empty
    [ "$CHANGES" -gt 0 ] || say "Nothing of zmhook is installed."
    if [ "$DRY" = no ]; then say_what_stays; fi
}

remove_empty() {
    local entry
    for entry in bin $DATA_FOLDERS ''; do
        entry=$BASE/${entry%:*}
        if [ -d "$entry" ] && [ -z "$(ls -A "$entry")" ]; then do_it "remove the empty folder $entry" rmdir "$entry"; fi
    done
}

say_what_stays() {
    local entry stays=()
    for entry in "$ETC/objectconfig.ini" "$ETC/secrets.ini" "$BASE"; do
        if [ -e "$entry" ]; then stays+=("$entry"); fi
    done
    if [ ${#stays[@]} -gt 0 ]; then say "These are yours and stay: ${stays[*]}"; fi
}

# -- all of it ---------------------------------------------------------------------------------------

finish() {
    local line
    if [ "$DRY" = yes ]; then
        say "Nothing was changed (--dry-run): $CHANGES steps would be done."
        return
    fi
    if [ "$CHANGES" -eq 0 ]; then say "Everything was in place already: nothing was changed."; else say "Done: $CHANGES changes."; fi
    for line in ${NOTES[@]+"${NOTES[@]}"}; do say "Note: $line"; done
    next_steps
}

next_steps() {
    local config=''
    if [ -n "$PREFIX" ]; then config="ZMHOOK_CONFIG=$ETC/objectconfig.ini "; fi
    cat <<END

What to do next:
  1. Put ZoneMinder's address, user and password into $ETC/secrets.ini.
  2. Look through $ETC/objectconfig.ini, then: ${config}zmhook config check
  3. Try one event as the web server does (event 1 of monitor 1):
       sudo -u $RUN_AS ${config}$BASE/bin/zm_event_start.sh 1 1
  4. Known faces: one folder per person in $BASE/known_faces, then zmhook train-faces.
  5. Have the notification server or ZoneMinder call $BASE/bin/zm_event_start.sh:
     docs/notification-server.md tells how.
END
}

main() {
    parse "$@"
    check_rights
    if [ "$UNINSTALL" = yes ]; then
        uninstall
        return
    fi
    if [ "$ASK" = yes ] && [ "$DRY" = no ]; then questions; fi
    check_words
    check_user
    find_python
    folders
    environment
    scripts
    configuration
    models
    units
    finish
}

# Tests take functions from here by sourcing the file.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
