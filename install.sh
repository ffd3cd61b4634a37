#!/bin/bash
# Installs zmhook beside ZoneMinder: an environment of its own, the scripts that the notification
# server calls, folders and configuration. Running it again changes only what differs.
# ./install.sh --help shows the options.

set -u
umask 022
export LC_ALL=C.UTF-8

SOURCE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
LOCK=$SOURCE/requirements.lock
SCRIPTS="bin/zmhook bin/zm_detect.py bin/zm_ask.pl bin/zm_ask.py bin/zm_train_faces.py bin/zm_snapshots.py zm_event_start.sh zm_event_end.sh"
DEFAULT_EXTRAS=zoneminder,yolo,face,cli
# Pictures of people, what is logged about them, and a login are nobody else's business.
DATA_FOLDERS="images:750 known_faces:750 unknown_faces:750 snapshots:750 state:750 logs:750 cache:700 run:770 models:755"
UNITS="zmhook.socket zmhook.service"
COLLECTOR=zmhook-snapshots.service
WATCH=zmhook-watch.service

# Part, megabytes on disk, and what it is for; its need of others and its price in time are in the guide.
PARTS="zoneminder 15 ZoneMinder's pictures, log and database
yolo 95 objects: .onnx networks (YOLO) on the processor
yolo-gpu 650 the same on an NVIDIA GPU, in place of yolo
openvino 200 the same with Intel's OpenVINO, in addition to yolo
fit 40 the YOLO network fitted to 16:9, 4:3 ...: takes less time
face 170 faces of people whom you have trained
alpr 95 number plates, read on this machine
mqtt 5 best snapshots of cameras, messages over MQTT
gemini 60 descriptions by Gemini (a local model needs nothing)
notify 30 messages to phones (Apprise) and over MQTT
remote 1 models on a remote server
serve 1 be the remote server of other machines
cli 20 progress bars; conversion of Ng's YAML"
BASE_MEGABYTES=300 MODEL_MEGABYTES=36 MOST_FILES=20000

PREFIX='' RUN_AS='' RUN_GROUP='' EXTRAS='' PYTHON='' WHEELS='' GATHER='' USE_SYSTEM=''
WITH='' WITHOUT='' BEFORE='' WORK='' PENDING='' CHILD='' WATCHER='' STAGE='' STAGE_BEGAN=0 TIMES=()
ASK=yes MODELS=yes DRY=no UNINSTALL=no REPAIR=no SYSTEMD=no CHANGES=0 RENEWED=no SCRIPTS_FIRST=no NOTES=() BROKEN=()

usage() {
    cat <<END
usage: ./install.sh [OPTIONS]

  --yes                 do not prompt; use the defaults and the options below
  --with PART,PART      add parts to those that are installed, or to the default
                        on a new machine ($DEFAULT_EXTRAS);
                        all: each but yolo-gpu and openvino
  --without PART,PART   remove parts; all: each
  --no-models           download no model files (zmhook models get does it
                        later)
  --user USER           user that runs the hooks (default: www-data, apache or
                        http)
  --group GROUP         group of that user (default: its primary group)
  --prefix DIR          install below DIR instead of /
  --python PYTHON       Python for the environment (3.10 or newer)
  --wheels DIR          install offline, from the packages that --gather put
                        into DIR
  --gather DIR          only download the packages of the parts into DIR, for
                        --wheels; run it on a machine with a network, the same
                        processor and the same Python
  --use-system LIST     use this machine's opencv and/or dlib (such as one built
                        with CUDA) instead of the packaged one; none: use the
                        packages again
  --systemd             run the service under systemd; without it, hooks start
                        the service when they need it. With the part mqtt, also
                        run the collector of best snapshots
  --repair              build the Python environment anew, and replace damaged
                        model files
  --dry-run             print what would be done; change nothing
  --uninstall           remove zmhook; keep configuration, faces and pictures
  --help                show this help

Parts:
$(list_of_parts)

Parts, user, --use-system and --systemd are remembered for the next run.
END
}

say() { printf "%s\n" "$@"; }

# fill INDENT TEXT: say it in lines of 80 columns, all but the first indented. Words stay whole, so
# that a path can be copied.
fill() {
    local words word line=''
    if [ ${#2} -le 80 ]; then
        say "$2"
        return
    fi
    read -r -d '' -a words <<<"$2"
    words[0]=${2%%[![:blank:]]*}${words[0]}
    for word in "${words[@]}"; do
        if [ -z "$line" ]; then
            line=$word
        elif [ $((${#line} + ${#word})) -lt 80 ]; then
            line+=" $word"
        else
            say "$line"
            line=$1$word
        fi
    done
    say "$line"
}

# counted NUMBER THING: "1 step", "2 steps".
counted() { if [ "$1" = 1 ]; then printf '1 %s' "$2"; else printf '%s %ss' "$1" "$2"; fi; }

# note TEXT: say it at the end. A second line is a command to type.
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
        fill "  " "would $what"
        return
    fi
    fill "  " "$what"
    "$@" || die "could not $what"
}

# -- what is left behind ---------------------------------------------------------------------------

# One temporary folder holds everything; it goes at the end, whatever the end is.
workspace() {
    [ -z "$WORK" ] || return 0
    trap cleanup EXIT
    remove_stale
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/zmhook-install.$$.XXXXXX") || die "there is no room for temporary files in ${TMPDIR:-/tmp}: free some space, or set TMPDIR"
}

# temporary: put a new folder's path into REPLY.
temporary() {
    workspace
    REPLY=$(mktemp -d "$WORK/XXXXXX") || die "there is no room for temporary files in $WORK: free some space, or set TMPDIR"
}

cleanup() {
    if [ -n "$WATCHER" ]; then kill "$WATCHER" 2>/dev/null; fi
    if [ -n "$CHILD" ]; then
        kill -TERM -- "-$CHILD" 2>/dev/null
        wait "$CHILD" 2>/dev/null
    fi
    if [ -n "$PENDING" ]; then rm -f -- "$PENDING"; fi
    if [ -n "$WORK" ]; then rm -rf -- "$WORK"; fi
}

# Those of runs that were killed, or whose machine went off.
remove_stale() {
    local entry pid
    for entry in "${TMPDIR:-/tmp}"/zmhook-install.*; do
        pid=${entry##*/zmhook-install.} && pid=${pid%%.*}
        case $pid in '' | *[!0-9]*) continue ;; esac
        if [ -d "$entry" ] && [ ! -L "$entry" ] && [ -O "$entry" ] && ! kill -0 "$pid" 2>/dev/null; then rm -rf -- "$entry"; fi
    done
}

# stage NAME: what follows counts for it; "" ends the last one.
stage() {
    if [ -n "$STAGE" ] && [ "$SECONDS" -gt "$STAGE_BEGAN" ]; then TIMES+=("$STAGE $((SECONDS - STAGE_BEGAN)) s"); fi
    STAGE=$1 STAGE_BEGAN=$SECONDS # and true, whatever came before
}

# -- options and checks ----------------------------------------------------------------------------

known_extras() { printf '%s\n' "$PARTS" | cut -d' ' -f1; }

list_of_parts() { printf '%s\n' "$PARTS" | while read -r name size about; do printf '  %-12s %s (%s MB)\n' "$name" "$about" "$size"; done; }

# words_of TEXT: names with commas, semicolons or blanks between them, one a line.
words_of() { tr ',; \t' '\n' <<<"$1" | grep . ; }

# every_part: what "all" stands for.
every_part() { known_extras | grep -vxE 'yolo-gpu|openvino'; }

# named_parts OPTION TEXT: the parts that a text names, one a line.
named_parts() {
    local word
    while read -r word; do
        if [ "$word" = all ]; then
            every_part
        elif known_extras | grep -qxF -- "$word"; then
            say "$word"
        else
            die "$1: unknown part '$word'; available: $(known_extras | paste -sd' ')"
        fi
    done < <(words_of "$2")
}

# choose_parts: apply --without, then --with, to the parts that there are.
choose_parts() {
    local part added removed both
    added=$(named_parts --with "$WITH") && removed=$(named_parts --without "$WITHOUT") || exit 1
    # Somebody's own: it is used, and two builds would overwrite each other's files.
    if ! has_part yolo-gpu && [ -n "$(other_engine)" ] && ! words_of "$WITHOUT" | grep -qxE 'yolo-gpu|all'; then
        note "onnxruntime-gpu is installed, so the part yolo-gpu is."
        add_part yolo-gpu
    fi
    both=$(grep -m1 -xF -f <(words_of "$WITH") <<<"$removed")
    if words_of "$WITHOUT" | grep -qx all; then
        removed=$(known_extras)
    elif [ -n "$both" ]; then
        die "$both: is named by --with and by --without"
    fi
    for part in $removed; do
        if has_part "$part"; then remove_part "$part" "$added"; fi
    done
    for part in $added; do add_part "$part"; done
    EXTRAS=$(words_of "$EXTRAS" | paste -sd,)
}

add_part() {
    if has_part "$1"; then return 0; fi
    case $1 in
    yolo)
        if has_part yolo-gpu; then
            note "yolo-gpu is installed and does what yolo does; to go back: --without yolo-gpu --with yolo"
            return 0
        fi
        ;;
    # The two overwrite each other's files; this one also runs without a GPU.
    yolo-gpu) EXTRAS=,$EXTRAS, && EXTRAS=${EXTRAS//,yolo,/,} ;;
    esac
    EXTRAS=$EXTRAS,$1
}

# remove_part PART ADDED: not one that the configuration uses, unless another takes its place.
remove_part() {
    local model=${1%-gpu} line
    line=$(uses_model "$model")
    if [ -n "$line" ] && ! grep -qxE "$model(-gpu)?" <<<"$2"; then
        die "--without $1: $ETC/objectconfig.ini uses it ($line); take it out of models there first"
    fi
    EXTRAS=,$EXTRAS, && EXTRAS=${EXTRAS//,$1,/,}
}

# uses_model NAME: the line of the configuration that has it among the models, if there is one.
uses_model() {
    dd if="$ETC/objectconfig.ini" iflag=nofollow,nonblock bs=1M count=1 2>/dev/null | tr -d '\0' |
        grep -E '^models?[[:space:]]*[=:]' | grep -m1 -E "[=:, ]$1([, #]|\$)" | cut -c1-80 | tr -cd '[:print:]'
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --with | --without | --user | --group | --prefix | --python | --wheels | --gather | --use-system)
            if [ $# -lt 2 ] || [ -z "$2" ]; then die "$1 needs a value (--help shows the options)"; fi
            ;;
        esac
        case $1 in
        --yes | -y) ASK=no ;;
        --no-models) MODELS=no ;;
        --systemd) SYSTEMD=yes ;;
        --dry-run) DRY=yes ;;
        --repair) REPAIR=yes ;;
        --uninstall) UNINSTALL=yes ;;
        --with) WITH+=,$2 && shift ;;
        --without) WITHOUT+=,$2 && shift ;;
        --user) RUN_AS=$2 && shift ;;
        --group) RUN_GROUP=$2 && shift ;;
        --prefix) PREFIX=$(readlink -m -- "$2") && shift ;;
        --python) PYTHON=$2 && shift ;;
        --wheels) WHEELS=$(readlink -m -- "$2") && shift ;;
        --gather) GATHER=$(readlink -m -- "$2") && shift ;;
        --use-system) USE_SYSTEM=$2 && shift ;;
        --help | -h) usage && exit 0 ;;
        *) die "unknown option $1 (--help shows the options)" ;;
        esac
        shift
    done
    [ "$PREFIX" = / ] && PREFIX=
    BASE=$PREFIX/var/lib/zmeventnotification ETC=$PREFIX/etc/zm
    PLUGINS=$ETC/zmhook-plugins.txt VENV=$BASE/venv COMMAND=$PREFIX/usr/local/bin/zmhook UNIT_FOLDER=$PREFIX/etc/systemd/system
    recall
}

# What was chosen the last time holds unless this run says otherwise. Others may have written this
# (see "root and what others could write"): nothing but names that there are is taken from it.
recall() {
    local extras='' system='' owner
    { read -r extras && read -r system; } < <(dd if="$VENV/.choices" iflag=nofollow,nonblock bs=1024 count=1 2>/dev/null | tr -d '\0')
    case ,$extras, in *,all,*) extras=$(every_part | paste -sd,) ;; esac
    recalled "$extras" known_extras
    BEFORE=$REPLY
    EXTRAS=${REPLY:-$DEFAULT_EXTRAS}
    recalled "$system" replaceable
    USE_SYSTEM=${USE_SYSTEM:-$REPLY}
    if [ -e "$UNIT_FOLDER/zmhook.service" ]; then SYSTEMD=yes; fi
    if [ "$USE_SYSTEM" = none ]; then USE_SYSTEM=; fi
    owner=$(stat -c %U "$BASE/images" 2>/dev/null)
    if [ -z "$RUN_AS" ] && may_own && may_run "$owner"; then
        RUN_AS=$owner
        RUN_GROUP=${RUN_GROUP:-$(stat -c %G "$BASE/images")}
    fi
}

# recalled WORDS KNOWN: put into REPLY those words that the function KNOWN lists.
recalled() {
    local word words known=()
    IFS=, read -r -a words <<<"$1"
    for word in ${words[@]+"${words[@]}"}; do
        if "$2" | grep -qxF -- "$word"; then known+=("$word"); else note "a part that is remembered in $VENV/.choices no longer exists and was left out."; fi
    done
    REPLY=$(IFS=, && printf '%s' "${known[*]-}")
}

replaceable() { printf 'opencv\ndlib\n'; }

# Root runs no hooks unless this run asks for it; a number without a name cannot.
may_run() { [ -n "$1" ] && [ "$1" != root ] && id -u "$1" >/dev/null 2>&1; }

check_rights() {
    if [ -z "$PREFIX$GATHER" ] && [ "$(id -u)" != 0 ] && [ "$DRY" = no ]; then
        die "run this as root (sudo ./install.sh), or with --prefix DIR"
    fi
    return 0
}

check_words() {
    local word
    choose_parts
    for word in ${USE_SYSTEM//,/ }; do
        case $word in opencv | dlib) ;; *) die "--use-system: expected opencv or dlib, not '$word'" ;; esac
    done
    [ -f "$LOCK" ] || die "the checkout $SOURCE is incomplete: ${LOCK##*/} is missing"
    if [ -n "$WHEELS" ] && [ ! -d "$WHEELS" ]; then die "--wheels: no such folder: $WHEELS"; fi
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
        die "there is no user ${RUN_AS:-www-data, apache or http}: give the web server's user with --user"
    RUN_GROUP=${RUN_GROUP:-$(id -gn "$RUN_AS")}
    getent group "$RUN_GROUP" >/dev/null || die "there is no group $RUN_GROUP: give the web server's group with --group"
}

find_python() {
    local candidate found='' others=''
    # The machine's own first: one in somebody's home folder is out of the web server's reach.
    for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.10}; do
        candidate=$(command -v "$candidate") || continue
        others=$(open_to_others "$candidate")
        if [ -n "$others" ]; then candidate='' && continue; fi
        found=$candidate
        "$candidate" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
        candidate=
    done
    [ -n "$found$others" ] || die "there is no ${PYTHON:-python3}: install it (apt-get install python3 python3-venv)"
    [ -n "$found" ] || die "root must not run ${PYTHON:-python3}: $others; choose another with --python"
    [ -n "$candidate" ] || die "$("$found" --version 2>&1) is too old: 3.10 or newer is needed; choose another with --python"
    PYTHON=$candidate
    "$PYTHON" -I -S -c 'import venv, ensurepip' 2>/dev/null ||
        die "$PYTHON cannot create environments: install its venv module (apt-get install python3-venv)"
    if may_own && [ -z "$GATHER" ] && ! as_user test -x "$("$PYTHON" -I -S -c 'import sys; print(sys._base_executable)')"; then
        die "$RUN_AS may not run $PYTHON (is it in a home folder?); choose another with --python"
    fi
}

# As the web server's user: what belongs to it, and what root has no need to run. It gets no
# terminal, into which it could type, and ends with us.
as_user() {
    if may_own; then
        setsid -w setpriv --reuid="$RUN_AS" --regid="$RUN_GROUP" --clear-groups --pdeathsig TERM -- "$@" </dev/null &
        wait $! # which a signal ends, unlike a command in the foreground
    else
        "$@" </dev/null
    fi
}

# -- root and what others could write ----------------------------------------------------------------

# Installers of other hooks give the whole base folder to the web server's user. What that user could
# write, root neither executes nor follows: first the folders of programs are root's again, so that
# nothing in them changes any more, then what is in them is judged. Folders of data stay the user's.

# Others than root could change it, or put another in its place.
OTHERS=('(' '!' -uid 0 -o '!' -type l '(' -perm -002 -o -perm -020 '!' -gid 0 ')' ')')

# first_of_others PATH: say what at or below PATH others could change, as "PATH is USER's, mode MODE".
first_of_others() {
    may_own || return 0
    find "$1" "${OTHERS[@]}" -printf "%p is %u's, mode %m\n" -quit 2>/dev/null
}

# way_of_others PATH: say which folder on the way to PATH others could change. One with the sticky bit
# is nobody's way: in it nobody can replace what is somebody else's.
way_of_others() {
    local way
    may_own || return 0
    for way in "$1" "$(readlink -m -- "$1")"; do
        while [ "$way" != / ]; do
            way=${way%/*} && way=${way:-/}
            find "$way" -maxdepth 0 "${OTHERS[@]}" '!' '(' -uid 0 -perm -1000 ')' -printf "%p is %u's, mode %m\n" 2>/dev/null
        done
    done | head -n 1
}

# open_to_others PROGRAM: say what others could change of a program, of each link that leads to it and
# the ways to those, or of a Python's library.
open_to_others() {
    local step=$1 target library
    may_own || return 0
    {
        while way_of_others "$step" && find "$step" -maxdepth 0 "${OTHERS[@]}" -printf "%p is %u's, mode %m\n" 2>/dev/null && [ -L "$step" ]; do
            target=$(readlink "$step")
            case $target in /*) step=$target ;; *) step=${step%/*}/$target ;; esac
        done
        step=$(readlink -m -- "$1")
        for library in "${step%/bin/*}"/lib/python3.*; do
            [ -d "$library" ] && find "$library" '(' -name site-packages -o -name dist-packages ')' -prune -o \
                "${OTHERS[@]}" -printf "%p is %u's, mode %m\n" -quit 2>/dev/null
        done
    } | head -n 1
}

# Whether FILE is one that only root writes: no link, no second name somewhere else.
roots_own_file() {
    [ -f "$1" ] && [ ! -L "$1" ] || return 1
    may_own || return 0
    [ -z "$(find "$1" -maxdepth 0 '(' "${OTHERS[@]}" -o -links +1 ')' -print)" ]
}

check_ways() {
    local entry found
    for entry in "$BASE" "$ETC" "$UNIT_FOLDER"; do
        found=$(way_of_others "$entry")
        [ -z "$found" ] || die "$found: root writes nothing below a folder that others can change; give it to root (chown root:root, chmod 755)"
    done
}

take_back() {
    may_own || return 0
    check_ways
    take_folder "$BASE" && drop_inherited "$BASE"
    take_folder "$ETC"
    [ "$UNINSTALL" = no ] || return 0
    replace_what_is_no_folder "$BASE/bin"
    replace_what_is_no_folder "$VENV"
    take_folder "$BASE/bin" && put_aside
    discard_environment
}

# take_folder PATH: make it root's, not its contents. A link to it, where root has put one, may stay.
take_folder() {
    if [ ! -d "$1" ] || [ -z "$(find "$1/" -maxdepth 0 "${OTHERS[@]}" -print)" ]; then return 0; fi
    do_it "take $1 back: $(stat -L -c "it is %U's, mode %a" "$1")" make_roots "$1"
}

# An ordinary user has what is his already.
make_roots() { { ! may_own || chown root:root "$1"; } && chmod go-w "$1"; }

# Entries of an access list that each new file in the folder would get.
drop_inherited() {
    local kind='import os, sys; print("system.posix_acl_default" in os.listxattr(sys.argv[1]))'
    if [ ! -d "$1" ] || [ "$UNINSTALL" = yes ] || [ "$("$PYTHON" -I -S -c "$kind" "$1" 2>/dev/null)" != True ]; then return 0; fi
    do_it "remove the access list that new files in $1 get" \
        "$PYTHON" -I -S -c 'import os, sys; os.removexattr(sys.argv[1], "system.posix_acl_default")' "$1"
}

replace_what_is_no_folder() {
    if [ -L "$1" ]; then
        do_it "remove the link $1 (to $(readlink "$1" | tr -c '[:print:]' '?')): links below $BASE are not followed" rm -f -- "$1"
    elif [ -e "$1" ] && [ ! -d "$1" ]; then
        do_it "remove $1: it is not a folder" rm -f -- "$1"
    fi
}

# What is not ours in the folder of programs, and could have been written by others, goes into a
# folder beside it: a hook that root tries by hand would run or import it.
put_aside() {
    local entry found aside=''
    if [ -L "$BASE/bin" ] || [ ! -d "$BASE/bin" ]; then return 0; fi
    while IFS= read -r -d '' entry; do
        found=$(first_of_others "$entry")
        if [ -z "$found" ] && { [ ! -f "$entry" ] || roots_own_file "$entry"; }; then continue; fi
        # Those of ours that are files are written anew, and before anything can stop us.
        if is_script "${entry##*/}" && { [ -L "$entry" ] || [ ! -d "$entry" ]; }; then
            SCRIPTS_FIRST=yes
            continue
        fi
        if [ -z "$aside" ] && [ "$DRY" = no ]; then aside=$(mktemp -d "$BASE/bin.aside.XXXXXX") || die "could not make a folder in $BASE"; fi
        do_it "move ${entry@Q} to ${aside:-a folder beside bin}: others could have written it" mv -T -- "$entry" "$aside/${entry##*/}"
    done < <(find "$BASE/bin" -mindepth 1 -maxdepth 1 -print0)
    if [ -n "$aside" ]; then note "look through $aside before you move anything back into $BASE/bin: other users could have written it."; fi
}

is_script() { case " ${SCRIPTS//bin\//} " in *" $1 "*) ;; *) return 1 ;; esac }

# An environment in which others could have written, or whose Python is one that they could change.
suspicious() {
    local found
    if [ ! -d "$VENV" ]; then return 1; fi
    found=$(first_of_others "$VENV")
    if [ -z "$found" ] && { [ -e "$VENV/bin/python" ] || [ -L "$VENV/bin/python" ]; }; then found=$(open_to_others "$VENV/bin/python"); fi
    REPLY=$found
    [ -n "$found" ]
}

discard_environment() {
    suspicious || return 0
    note "the environment was rebuilt, because other users could have changed it."
    do_it "remove the environment $VENV, which others could have changed ($REPLY)" remove_environment
}

# Once the folder is root's and closed, nobody else gets into it to add files meanwhile.
remove_environment() {
    make_roots "$VENV" && chmod 700 "$VENV" && { rm -rf -- "$VENV" || rm -rf -- "$VENV"; }
}

# -- questions ---------------------------------------------------------------------------------------

# ask QUESTION DEFAULT [CHECK]: put the answer into REPLY; CHECK refuses one, and says why.
ask() {
    local answer tries
    for tries in 1 2 3; do
        read -r -p "$1 [$2] " answer || die "no input: give --yes to run without prompts"
        REPLY=${answer:-$2}
        if [ -z "${3:-}" ] || "$3" "$REPLY"; then return; fi
    done
    die "no answer that can be used, after $tries tries: nothing was changed"
}

# yes_or_no QUESTION DEFAULT
yes_or_no() {
    ask "$1 yes or no" "$2" is_yes_or_no
    case $REPLY in [yY]*) REPLY=yes ;; *) REPLY=no ;; esac
}

is_yes_or_no() {
    case ${1,,} in y | yes | n | no) ;; *) say "  Please answer yes or no." && return 1 ;; esac
}

# are_parts ANSWER: take the names that it has to add, and those with a minus to remove.
are_parts() {
    local word with='' without='' known
    while read -r word; do
        known=${word#[-+]}
        if [ "$known" != all ] && ! known_extras | grep -qxF -- "$known"; then
            fill "    " "unknown part '$known'; available: $(known_extras | paste -sd' ')"
            return 1
        fi
        case $word in -*) without+=,$known ;; *) with+=,$known ;; esac
    done < <(words_of "$1")
    WITH+=$with WITHOUT+=$without
}

is_user() {
    id -u "$1" >/dev/null 2>&1 || { say "  there is no user $1" && return 1; }
}

questions() {
    [ -t 0 ] || die "no terminal for prompts: give --yes, and options where the defaults do not fit"
    fill "  " "Installs zmhook into $BASE, its configuration into $ETC."
    say ""
    say "Parts, and the disk space that they need (*: $(if [ -n "$BEFORE" ]; then say installed; else say "the default"; fi)):"
    printf '%s\n' "$PARTS" | while read -r name size about; do
        if has_part "$name"; then mark='*'; else mark=' '; fi
        printf '  %s %-10s %s (%s MB)\n' "$mark" "$name" "$about" "$size"
    done
    say ""
    ask "Parts to add (alpr, mqtt) or to remove (-face); Enter: those with a *" "*" may_be_parts
    ask "Which user runs the hooks (the web server's)?" "${RUN_AS:-$(default_user)}" is_user
    RUN_AS=$REPLY
    yes_or_no "Download the model files of the configuration (about $MODEL_MEGABYTES MB)?" "$MODELS"
    MODELS=$REPLY
}

may_be_parts() { [ "$1" = "*" ] || are_parts "$1"; }

confirm() {
    yes_or_no "Continue?" yes
    if [ "$REPLY" = no ]; then say "Nothing was changed." && exit 0; fi
}

# What is about to happen, before any of it does.
summary() {
    local megabytes models indent="           "
    megabytes=$(needed_megabytes)
    if [ "$MODELS" = yes ]; then models="those that the configuration uses"; else models="none are downloaded now"; fi
    fill "$indent" "parts:     ${EXTRAS//,/ }$([ -z "$BEFORE" ] || [ "$BEFORE" = "$EXTRAS" ] || say " (now: ${BEFORE//,/ })")"
    fill "$indent" "Python:    $PYTHON ($("$PYTHON" -I -S -c 'import platform; print(platform.python_version())'))"
    fill "$indent" "programs:  $BASE, run by $RUN_AS"
    fill "$indent" "settings:  $ETC/objectconfig.ini$([ ! -e "$ETC/objectconfig.ini" ] || say ' (yours stays as it is)')"
    fill "$indent" "models:    $models"
    fill "$indent" "space:     about $megabytes MB more, of $(free_megabytes "$BASE") MB that are free" ""
}

# -- space -------------------------------------------------------------------------------------------

existing() {
    local path=$1
    while [ ! -e "$path" ]; do path=${path%/*} && path=${path:-/}; done
    printf '%s' "$path"
}

free_megabytes() {
    local blocks size
    read -r blocks size <<<"$(stat -f -c '%a %S' -- "$(existing "$1")" 2>/dev/null || say '99999999 1048576')"
    printf '%s' $((blocks * size / 1000000))
}

# What the environment will take: only parts that are new, unless all of it is built again.
needed_megabytes() {
    local name size sum=0 about
    if [ "$REPAIR" = yes ] || [ ! -e "$VENV/.made-from" ]; then sum=$BASE_MEGABYTES; fi
    while read -r name size about; do
        if has_part "$name" && { [ "$sum" -ge "$BASE_MEGABYTES" ] || [[ ,$BEFORE, != *,"$name",* ]]; }; then sum=$((sum + size)); fi
    done <<<"$PARTS"
    if [ "$MODELS" = yes ] && [ ! -e "$BASE/models/yolox_s" ]; then sum=$((sum + MODEL_MEGABYTES)); fi
    printf '%s' "$sum"
}

# Before anything is changed: a full disk in the middle would leave half of it.
check_space() {
    local needed temp=${TMPDIR:-/tmp} where inodes files
    needed=$(needed_megabytes)
    [ "$needed" -gt 0 ] || return 0
    where=$(existing "$BASE")
    # pip unpacks what it downloads, which is about half, in the temporary folder.
    if [ "$(stat -c %d "$where")" = "$(stat -c %d "$temp" 2>/dev/null)" ]; then
        enough "$where" $((needed * 3 / 2)) "$BASE"
    else
        enough "$where" "$needed" "$BASE"
        enough "$temp" $((needed / 2)) "$temp (set TMPDIR to use another folder)"
    fi
    read -r inodes files <<<"$(stat -f -c '%d %c' -- "$where" 2>/dev/null)"
    if [ "${files:-0}" -gt 0 ] && [ "$inodes" -lt "$MOST_FILES" ]; then die "$where: its file system has room for $inodes files, and about $MOST_FILES are needed: nothing was changed"; fi
}

# enough FOLDER MEGABYTES NAME
enough() {
    local free
    free=$(free_megabytes "$1")
    [ "$free" -ge "$2" ] || die "$3: $free MB are free there, and about $2 MB are needed: free some space, or leave parts out (--without). Nothing was changed"
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

# own PATH USER:GROUP MODE: set owner and mode where they differ. PATH lies in a folder of root's.
own() {
    local path=$1 owner=$2 mode=$3
    if [ -L "$path" ] || { [ -f "$path" ] && [ "$(stat -c %h "$path")" != 1 ]; }; then
        note "$path is a link: its owner and mode were left alone."
        return 0
    fi
    if [ "$(stat -c %a "$path")" != "$mode" ]; then do_it "set mode $mode on $path" chmod "$mode" "$path"; fi
    if may_own && [ "$(stat -c %U:%G "$path")" != "$owner" ]; then
        do_it "give $path to $owner" chown -h "$owner" "$path"
    fi
}

folder() {
    if [ -e "$1" ] && [ ! -d "$1" ]; then die "$1 is not a folder: move it away"; fi
    if [ -d "$1" ] || [ -L "$1" ]; then own "$@"; else do_it "make the folder $1" as_owned "$2" "$3" -d "$1"; fi
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
        printf '%s\n' "$EXTRAS" "$USE_SYSTEM" "$("$PYTHON" -I -S -VV)" "$(readlink -f "$PYTHON")"
        (cd "$SOURCE" && find hook bin/zmhook pyproject.toml setup.py requirements.lock -type f -not -path '*/__pycache__/*' \
            -not -path '*.egg-info/*' -print0 | sort -z | xargs -0 sha256sum)
    } | sha256sum | cut -d' ' -f1
}

# The environment is looked through each time: what is missing, changed or does not load is repaired.
environment() {
    local now
    if [ "$DRY" = yes ] && suspicious; then BROKEN=("all of it"); else examine; fi
    now=$(fingerprint)
    if [ "$REPAIR" = yes ]; then
        do_it "build the Python environment $VENV anew (parts: $EXTRAS)" make_environment
    elif [ "$(cat "$VENV/.made-from" 2>/dev/null)" != "$now" ]; then
        do_it "install the Python packages into $VENV (parts: $EXTRAS)" make_environment
    elif [ ${#BROKEN[@]} -eq 0 ]; then
        return 0
    else
        do_it "repair the Python packages in $VENV (damaged: $(broken_names))" make_environment
    fi
    if [ "$DRY" = no ]; then
        printf '%s\n' "$EXTRAS" "$USE_SYSTEM" >"$VENV/.choices"
        printf '%s\n' "$now" >"$VENV/.made-from"
    fi
}

broken_names() { printf '%s\n' "${BROKEN[@]}" | cut -f1 | sort -u | paste -sd' '; }

# What pip takes for whole, though it is not.
damaged_names() { printf '%s\n' "${BROKEN[@]}" | grep -vE $'\t(it is missing$|version [0-9])' | cut -f1 | paste -sd' '; }

# examine: put into BROKEN what is wrong with the environment, each as NAME and reason with a tab
# between. It runs as the web server's user, who must be able to use all of it.
examine() {
    BROKEN=()
    if ! works; then
        BROKEN=("python"$'\t'"it does not start")
        return
    fi
    readarray -t BROKEN < <(as_user "$VENV/bin/python" -I -B -c "$(cat "$SOURCE/hook/zmhook/doctor/installed.py")" \
        "$(pins "base build $EXTRAS" | grep "==")" "base,$EXTRAS" 2>/dev/null ||
        printf 'python\t%s could not look through the environment\n' "$RUN_AS")
}

works() { [ -x "$VENV/bin/python" ] && [ "$("$VENV/bin/python" -I -B -c 'import sys; print(sys.version, sys.prefix, sep="\n")' 2>/dev/null)" = \
    "$("$PYTHON" -I -S -c 'import sys; print(sys.version)')"$'\n'"$VENV" ]; }

# pins PART...: the entries of requirements.lock that are for these parts. A machine's own packages
# stand in for those that they replace.
pins() {
    local without=' ' also=''
    if has_part yolo-gpu; then without+='onnxruntime '; fi # the two builds overwrite each other's files
    case ,$USE_SYSTEM, in *,dlib,*) without+='dlib-bin ' ;; esac
    case ,$USE_SYSTEM, in *,opencv,*)
        without+='opencv-contrib-python-headless '
        if [ "$(system_numpy)" = 1 ]; then without+='numpy ' also=numpy-1; fi
        ;;
    esac
    awk -v wanted=" ${1//,/ } " -v also="$also" -v without="$without" '
        /^# parts: / {
            taken = special = 0
            for (i = 3; i <= NF; i++) if (index(wanted, " " $i " ")) taken = 1; else if ($i == also) taken = special = 1
            next
        }
        /^[^# ]/ { if (!special && index(without, " " substr($0, 1, index($0, "==") - 1) " ")) taken = 0 }
        taken && !/^#/' "$LOCK"
}

# What was compiled against one numpy cannot be used with the next major one.
system_numpy() { as_user "$PYTHON" -I -c 'import numpy; print(numpy.__version__.split(".")[0])' 2>/dev/null || say 2; }

make_environment() {
    local log work
    RENEWED=yes
    temporary && work=$REPLY log=$REPLY/pip.log
    if [ "$REPAIR" = no ] && works; then remove_parts "$work" "$log"; fi
    rm -f "$VENV/.made-from"
    unlink_system
    if [ "$REPAIR" = yes ]; then bare_environment; fi
    if ! works || [[ " $(damaged_names) " = *' pip '* ]]; then mend_python; fi
    # Built from a copy, so that the checkout gets no files of root's.
    cp -r "$SOURCE"/{hook,bin,pyproject.toml,setup.py,README.md,LICENSE} "$work/" || die "the checkout $SOURCE is incomplete"
    # First what is missing or damaged is put in place; where that does not help, all of it is.
    if ! with_progress "$log" pip_install "$work" || ! settled; then
        # What cannot be fetched now cannot be fetched after everything was removed, either.
        if cannot_fetch "$log"; then explain_pip "$log"; fi
        stage packages
        bare_environment
        if ! with_progress "$log" pip_install "$work"; then explain_pip "$log"; fi
        settled || die "the environment does not work: ${BROKEN[0]//$'\t'/: }. Leave out the part that needs it (--without), or report it"
    fi
    rm -rf "$work"
    check_own
}

# remove_parts FOLDER LOG: uninstall what only parts needed that are chosen no longer. Where another
# engine comes in the place of one, it is fetched first: without a network nothing is lost.
remove_parts() {
    local old
    old=$(comm -23 <(names_of "base build $BEFORE") <(names_of "base build $EXTRAS"); other_engine)
    [ -n "$old" ] || return 0
    pins "base $EXTRAS" | of_these "$(engine)" /dev/stdin >"$1/engine-pins"
    if [ -n "$(other_engine)" ] && [ -s "$1/engine-pins" ]; then
        ENGINE=$1/engine
        with_progress "$2" pip download --no-deps --require-hashes -d "$ENGINE" -r "$1/engine-pins" || explain_pip "$2"
    fi
    rm -f "$VENV/.plugins-from" # one may need what goes; then pip brings it back
    # shellcheck disable=SC2086 # the names are words
    pip uninstall -q -y $old >>"$2" 2>&1
}

names_of() { pins "$1" | sed -n 's/^\([^ #]*\)==.*/\1/p' | sort -u; }

engine() { if has_part yolo-gpu; then say onnxruntime-gpu; else say onnxruntime; fi; }

# The build of ONNX Runtime that must go, if it is there: the two overwrite each other's files.
other_engine() {
    local other=onnxruntime-gpu
    if has_part yolo-gpu; then other=onnxruntime; fi
    if compgen -G "$VENV/lib/python3*/site-packages/${other//-/_}-[0-9]*" >/dev/null; then say "$other"; fi
}

# Python and pip anew, and all the rest as it was: that needs no network.
mend_python() {
    local site
    site=$VENV/$("$PYTHON" -I -S -c 'import sys; print("lib/python%d.%d/site-packages" % sys.version_info[:2])')
    if [ -d "$site" ]; then
        rm -rf "$site/pip" "$site"/pip-*.dist-info "$VENV"/bin/python*
        "$PYTHON" -I -m venv "$VENV" >/dev/null 2>&1
    fi
    if works; then examine; else bare_environment; fi
}

# An environment with nothing in it but pip, whatever was there.
bare_environment() {
    [ -d "$VENV" ] || as_owned root:root 755 -d "$VENV"
    BROKEN=()
    "$PYTHON" -I -m venv --clear "$VENV" || die "$PYTHON could not make the environment $VENV"
}

settled() { stage checks && link_system && examine && [ ${#BROKEN[@]} -eq 0 ]; }

# A file that others could write may come by an access list of a folder above.
check_own() {
    local found
    found=$(first_of_others "$VENV")
    [ -z "$found" ] || die "the new environment can be changed by others: $found; remove access lists (setfacl -b) from $BASE and run this again"
}

# pip_install FOLDER: everything as requirements.lock has it, file by file; then zmhook itself, which
# is built in FOLDER with what is there by then.
pip_install() {
    local damaged
    damaged=$(damaged_names)
    pins build >"$1/build-pins" && pins "base $EXTRAS" >"$1/pins" || return 1
    of_these "$damaged" "$1/build-pins" "$1/pins" >"$1/damaged"
    pip install --no-deps --require-hashes -r "$1/build-pins" &&
        pip install --no-deps --require-hashes --no-build-isolation -r "$1/pins" || return 1
    if [ -s "$1/damaged" ]; then
        pip install --no-deps --require-hashes --no-build-isolation --force-reinstall -r "$1/damaged" || return 1
    fi
    pip install --no-deps --no-build-isolation --no-index --force-reinstall "$1" && byte_compile
}

# Users of the environment cannot write byte code. pip would compile on one core only.
byte_compile() {
    say Compiling
    in_group "$VENV/bin/python" -I -m compileall -q -j 0 "$VENV/lib" ||
        in_group "$VENV/bin/python" -I -m compileall -q "$VENV/lib" # where a process has no room for locks
    return 0 # some packages have files that are no Python of this version
}

# of_these NAMES FILE...: those entries of requirements files that have these names.
of_these() {
    local names=" $1 "
    shift
    awk -v names="$names" '/^[^ ]/ { taken = index(names, " " substr($0, 1, index($0, "==") - 1) " ") } taken' "$@"
}

pip() {
    local command=$1 options=(--disable-pip-version-check --no-input --retries 2 --timeout 20)
    shift
    if [ "$command" = install ]; then options+=(--no-compile); fi
    if [ "$command" != uninstall ]; then
        options+=(--use-pep517)
        if [ -n "$WHEELS" ]; then options+=(--no-index --find-links "$WHEELS"); fi
        if [ -n "${ENGINE:-}" ]; then options+=(--find-links "$ENGINE"); fi
    fi
    workspace
    # What is built here is installed at once: compressing face_recognition_models takes 15 s.
    printf '[bdist_wheel]\ncompression = stored\n' >"$WORK/build.cfg"
    TMPDIR=$WORK DIST_EXTRA_CONFIG=$WORK/build.cfg in_group "${PIP_PYTHON:-$VENV/bin/python}" -I -m pip "$command" "${options[@]}" "$@"
}

# in_group COMMAND...: in a process group of its own, which a signal to us ends; and it ends with us.
in_group() {
    setpriv --pdeathsig TERM -- setsid "$@" </dev/null &
    CHILD=$!
    wait "$CHILD"
    set -- $?
    CHILD=''
    return "$1"
}

# with_progress LOG COMMAND...: run it with its output in LOG, and show how far it is.
with_progress() {
    local log=$1 status
    shift
    : >>"$log"
    watch_progress "$log" &
    WATCHER=$!
    "$@" >>"$log" 2>&1
    status=$?
    kill "$WATCHER" 2>/dev/null
    wait "$WATCHER" 2>/dev/null
    WATCHER=''
    if [ -t 1 ]; then printf '\r\033[K'; fi
    return "$status"
}

# On a terminal in one line; in a file, a line every ten seconds. It ends with the installer, even
# where that is killed.
watch_progress() {
    local total before='' now pause=10
    trap - EXIT INT TERM
    total=$(names_of "base $EXTRAS" | wc -l)
    if [ -t 1 ]; then pause=1; fi
    while sleep "$pause" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        now=$(progress_of "$1" "$total")
        if [ -z "$now" ] || [ "$now" = "$before" ]; then continue; fi
        before=$now
        if [ -t 1 ]; then printf '\r\033[K%.78s' "$now"; else say "$now"; fi
    done
}

# progress_of LOG TOTAL: what pip does, from what it printed last.
progress_of() {
    tail -n 400 "$1" | awk -v total="$2" -v there="$(compgen -G "$VENV/lib/python3*/site-packages/*.dist-info" | wc -l)" '
        /^Ignoring / { ignored++ }
        /^Collecting / { n++; what = $2; sub(/[=<>;@(].*/, "", what); doing = "download" }
        /^ *Downloading / { if (match($0, /\([0-9.]+ [kMG]B\)/)) size = substr($0, RSTART, RLENGTH); next }
        /^Collecting / { size = "" }
        /^Installing collected packages/ { doing = "unpack" }
        /^Successfully installed/ { doing = "" ; n = 0 }
        /^Compiling$/ { doing = "compile" }
        /^Building wheel|Preparing metadata/ { if (doing != "download") { doing = "build"; what = "zmhook" } }
        END {
            total -= ignored
            if (doing == "download") printf "  downloading %d of %d: %s %s", n, (n > total ? n : total), what, size
            else if (doing == "unpack") printf "  unpacking: %d of about %d packages are in place", there, total + 3
            else if (doing == "compile") printf "  compiling the packages"
            else if (doing == "build") printf "  building %s", what
        }'
}

cannot_fetch() { no_network "$1" || grep -qE 'No matching distribution|DO NOT MATCH THE HASHES|No space left|CERTIFICATE_VERIFY_FAILED|ProxyError|HTTP error [45]' "$1"; }

no_network() {
    grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|Temporary failure|Name or service|Network is unreachable|ConnectionError' "$1"
}

# explain_pip LOG: end, and say why in one line. The log is kept.
explain_pip() {
    local kept=$1
    if [ -d "$VENV" ] && cp "$1" "$VENV/pip.log"; then kept=$VENV/pip.log; fi
    if grep -q 'No space left on device' "$1"; then
        die "the disk is full: $(free_megabytes "$BASE") MB are free in $BASE, $(free_megabytes "${TMPDIR:-/tmp}") MB in ${TMPDIR:-/tmp}; free some space and run this again (details: $kept)"
    fi
    if grep -q 'CERTIFICATE_VERIFY_FAILED' "$1"; then
        die "the certificate of the package index is not trusted (a proxy that looks into https?): put its authority into /usr/local/share/ca-certificates, run update-ca-certificates, and set PIP_CERT=/etc/ssl/certs/ca-certificates.crt (details: $kept)"
    fi
    if grep -q 'ProxyError' "$1"; then
        die "the proxy that https_proxy or pip's settings name does not work: correct it (details: $kept)"
    fi
    if grep -qE 'HTTP error [45]|[45][0-9][0-9] (Client|Server) Error' "$1"; then
        die "the package index refuses a package: $(grep -m1 -oE '(HTTP error [45]|[45][0-9][0-9] (Client|Server) Error).*' "$1" | tr -cd '[:print:]' | cut -c1-200) (details: $kept)"
    fi
    if no_network "$1"; then
        die "the Python packages cannot be downloaded (no network?): try again, or gather them elsewhere and give --wheels DIR (see --help). Details: $kept"
    fi
    if grep -q 'THESE PACKAGES DO NOT MATCH THE HASHES' "$1"; then
        die "pip: ERROR: $(grep -m1 -A3 'DO NOT MATCH THE HASHES' "$1" | sed -n '2s/^ *//;2s/ from .*//p') is not the file that ${LOCK##*/} names: nothing of it was installed (details: $kept)"
    fi
    if grep -q 'No matching distribution' "$1"; then
        die "pip: $(grep -m1 -o 'ERROR: .*' "$1"): there is none for $("$PYTHON" -I -S -c 'import platform; print("Python", platform.python_version(), "on", platform.machine())') (details: $kept)"
    fi
    if grep -qE "Failed (to build|building)|error: command '" "$1"; then
        die "pip: $(grep -m1 -oE "Failed (to build|building).*|error: command .*" "$1"): it has no ready-made package for this machine, and could not be built (details: $kept)"
    fi
    die "pip: $(grep -m1 -o 'ERROR: .*' "$1" || tail -n1 "$1" | grep . || say "it was ended: is there too little memory?") (details: $kept)"
}

# -- plug-ins ----------------------------------------------------------------------------------------

# Packages of others that add models or snapshot handlers: a line each in $PLUGINS, what pip calls a
# requirement or the full path of a folder or wheel. pip runs them as root, so root alone may write to
# the file and to what it names. They change none of zmhook's own packages, and a plug-in that cannot
# be installed keeps nothing else from working.
plugins() {
    local work now problem
    [ -e "$PLUGINS" ] || [ -L "$PLUGINS" ] || return 0
    temporary && work=$REPLY
    problem=$(gather_plugins "$work")
    if [ -n "$problem" ]; then
        note "no plug-in was installed: $problem."
    else
        now=$(cd "$work" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
        if [ -s "$work/plugins" ] && [ "$(cat "$VENV/.plugins-from" 2>/dev/null)" != "$now" ]; then
            do_it "install the plug-ins that $PLUGINS names" install_plugins "$work" "$now"
        fi
    fi
    rm -rf "$work"
}

# gather_plugins FOLDER: write the requirements to FOLDER/plugins and copy what lies on this machine
# (building leaves files behind). Say what is wrong.
gather_plugins() {
    local line path others number=0
    if ! roots_own_file "$PLUGINS"; then
        say "$PLUGINS is a link, no file, or $(stat -c "%U's with mode %a" "$PLUGINS"): make it root's (chown root:root, chmod 644)"
        return
    fi
    while IFS= read -r line || [ -n "$line" ]; do
        line=$(sed 's/\(^\|[[:space:]]\)#.*//; s/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$line")
        case $line in
        '') ;;
        /*)
            path=$(readlink -f -- "$line")
            others=$(way_of_others "$line" && first_of_others "$path")
            if [ -n "$others" ]; then say "$PLUGINS: ${others%%$'\n'*}: root installs nothing that others can change" && return; fi
            number=$((number + 1))
            if ! mkdir "$1/$number" || ! cp -r -- "$path" "$1/$number/" 2>/dev/null; then say "$PLUGINS: $line cannot be read" && return; fi
            printf './%s/%s\n' "$number" "${path##*/}" >>"$1/plugins"
            ;;
        [!A-Za-z0-9]* | *file:* | *\\*)
            say "$PLUGINS: '$line' is no requirement (NAME, NAME==1.0, NAME @ https://...), nor the full path of a folder or wheel"
            return
            ;;
        *)
            case ${line%%@*} in
            */*) say "$PLUGINS: '$line': give the full path" && return ;;
            *) printf '%s\n' "$line" >>"$1/plugins" ;;
            esac
            ;;
        esac
    done <"$PLUGINS"
}

# install_plugins FOLDER FINGERPRINT
install_plugins() {
    RENEWED=yes
    pins "base build $EXTRAS" | sed -n 's/^\([^ ]*==.*\) \\$/\1/p' >"$1/constraints"
    # Most are built by what is there; others need tools of their own, which pip fetches.
    if (cd "$1" && { pip install --no-build-isolation -c constraints -r plugins || pip install -c constraints -r plugins; } && byte_compile) >"$1/pip.log" 2>&1; then
        printf '%s\n' "$2" >"$VENV/.plugins-from"
        check_own
    else
        cp "$1/pip.log" "$VENV/pip.log"
        note "the plug-ins that $PLUGINS names were not installed: $(grep -m1 -o 'ERROR: .*' "$1/pip.log" || tail -n1 "$1/pip.log") (details: $VENV/pip.log)"
    fi
}

# gather: download the packages of the parts for another machine, with the hashes checked.
gather() {
    local work
    temporary && work=$REPLY
    do_it "download the packages of the parts $EXTRAS into $GATHER" fetch_packages "$work"
    rm -rf "$work"
}

fetch_packages() {
    local PIP_PYTHON=$1/venv/bin/python
    mkdir -p "$GATHER" && "$PYTHON" -I -m venv "$1/venv" || return 1
    pins build >"$1/build-pins" && pins "base $EXTRAS" >"$1/pins" || return 1
    # Some come as source only, and say what they are once they are built.
    with_progress "$1/pip.log" download_pins "$1" || VENV='' explain_pip "$1/pip.log"
}

download_pins() {
    pip download --no-deps --require-hashes -d "$GATHER" -r "$1/build-pins" &&
        pip install --no-deps --require-hashes -r "$1/build-pins" &&
        pip download --no-deps --require-hashes --no-build-isolation -d "$GATHER" -r "$1/pins"
}

# -- this machine's own OpenCV and dlib ------------------------------------------------------------

modules_of() {
    case $1 in
    opencv) say "cv2 opencv-contrib-python-headless" ;;
    dlib) say "dlib dlib-bin" ;;
    esac
}

site() { "$VENV/bin/python" -I -B -c 'import sysconfig; print(sysconfig.get_path("platlib"))'; }

unlink_system() {
    # pip must never write through a link into the machine's own packages.
    works && find "$(site)" -maxdepth 1 -type l -delete
    return 0
}

link_system() {
    local word module package file files others
    for word in ${USE_SYSTEM//,/ }; do
        read -r module package <<<"$(modules_of "$word")"
        files=$(files_of "$module") || die "$PYTHON has no module $module that could be used"
        pip uninstall -q -y "$package" >/dev/null 2>&1
        while read -r file; do
            others=$(way_of_others "$file" && first_of_others "$file")
            [ -z "$others" ] || die "root must not use this machine's $word: $others"
            ln -sfn "$file" "$(site)/" || die "$file could not be linked into $VENV"
        done <<<"$files"
        others=$(as_user "$VENV/bin/python" -I -B -c "import $module; print($module.__version__, $module.__file__)" 2>&1) ||
            die "this machine's $word does not work with the environment: $(tail -n1 <<<"$others")"
        note "uses this machine's $word: $others"
    done
}

# The module's own files, and the libraries that belong to it (dlib's is a second module).
files_of() {
    as_user "$PYTHON" -I -B -c "$(
        cat <<'END'
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
    )" "$1"
}

# -- scripts and configuration ---------------------------------------------------------------------

# put FILE TARGET USER:GROUP MODE: copy when the content differs, in one step for whoever reads it.
# What is there and is a link, or has another name elsewhere, is replaced.
put() {
    if roots_own_file_or "$3" "$2" && cmp -s "$1" "$2"; then own "$2" "$3" "$4"; else do_it "write $2" replace "$@"; fi
}

# roots_own_file_or OWNER FILE: no link, and nobody's but root's, or owner's and group's.
roots_own_file_or() {
    case $1 in root:root) roots_own_file "$2" ;; *) [ -f "$2" ] && [ ! -L "$2" ] ;; esac
}

replace() {
    local status
    PENDING=$(mktemp "$2.XXXXXX") && as_owned "$3" "$4" -T "$1" "$PENDING" && mv -T "$PENDING" "$2"
    status=$?
    if [ "$status" -ne 0 ] && [ -n "$PENDING" ]; then rm -f -- "$PENDING"; fi
    PENDING=''
    return "$status"
}

scripts() {
    local script work
    temporary && work=$REPLY
    for script in $SCRIPTS; do
        [ -f "$SOURCE/$script" ] || die "the checkout $SOURCE is incomplete: $script is missing"
        # Installed, they use this environment and nothing else.
        sed '/^# In a checkout/,/^# -- end/d' "$SOURCE/$script" >"$work/script"
        put "$work/script" "$BASE/bin/${script##*/}" root:root 755
    done
    rm -rf "$work"
    if [ "$(readlink "$COMMAND" 2>/dev/null)" != "$BASE/bin/zmhook" ]; then
        if [ -e "$COMMAND" ] && [ ! -L "$COMMAND" ]; then die "$COMMAND exists and is not part of zmhook: move it away"; fi
        do_it "link $COMMAND" link_command
    fi
}

link_command() { mkdir -p "${COMMAND%/*}" && ln -sfn "$BASE/bin/zmhook" "$COMMAND"; }

configuration() {
    local work
    temporary && work=$REPLY
    configured >"$work/objectconfig.ini" || die "the checkout $SOURCE is incomplete: objectconfig.ini"
    take_settings "$ETC/objectconfig.ini"
    take_settings "$ETC/secrets.ini"
    offer "$work/objectconfig.ini" "$ETC/objectconfig.ini" root:root 644
    if [ ! -e "$ETC/secrets.ini" ]; then
        put "$SOURCE/secrets.ini.example" "$ETC/secrets.ini" "root:$RUN_GROUP" 640
    else
        own "$ETC/secrets.ini" "root:$RUN_GROUP" 640
    fi
    rm -rf "$work"
}

# take_settings FILE: make settings that others could write to root's: they name folders and programs.
# It is a copy, since somebody may have the old one open; who may read it stays as it is.
take_settings() {
    local owner=root:root mode=644
    if ! may_own || [ ! -e "$1" ] || [ -z "$(find "$1" -maxdepth 0 "${OTHERS[@]}" -print)" ]; then return 0; fi
    if [ ! -f "$1" ] || [ -L "$1" ] || [ "$(stat -c %h "$1")" != 1 ]; then
        note "$1 is a link, or not a file: its owner and mode were left alone, and root reads no settings that others may write to."
        return 0
    fi
    [ -n "$(find "$1" -maxdepth 0 -perm -004)" ] || { owner=root:$RUN_GROUP mode=640; }
    note "look through $1: other users could have written it."
    do_it "take $1 back: $(stat -c "it is %U's, mode %a" "$1")" replace "$1" "$1" "$owner" "$mode"
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
    elif [ ! -f "$2" ]; then
        note "$2 is not a file and was left alone."
    elif ! cmp -s "$1" "$2"; then
        put "$1" "$2.new" "$3" "$4"
        note "$2 is yours and was left alone; the one of this version is $2.new."
    fi
}

models() {
    local force=() missing
    [ "$MODELS" = yes ] || return 0
    if [ "$DRY" = yes ]; then
        fill "  " "would download the model files that $ETC/objectconfig.ini uses into $BASE/models"
        return 0
    fi
    as_user "$VENV/bin/zmhook" models verify -c "$ETC/objectconfig.ini" >/dev/null 2>&1 && return 0
    if [ "$REPAIR" = yes ]; then force=(--force); fi
    CHANGES=$((CHANGES + 1))
    fill "  " "download the model files that $ETC/objectconfig.ini uses"
    if as_user "$VENV/bin/zmhook" models get ${force[@]+"${force[@]}"} -c "$ETC/objectconfig.ini"; then return 0; fi
    missing=$(missing_models)
    note "model files are missing (see above). Set models = hog, or when there is a network:"$'\n'"$(to_type models get"${missing:+ $missing}")"
}

# The models that the configuration uses and whose files are missing or damaged.
missing_models() {
    as_user "$VENV/bin/zmhook" models list --json -c "$ETC/objectconfig.ini" 2>/dev/null |
        "$PYTHON" -I -S -c 'import json, sys; print(*(model["name"] for model in json.load(sys.stdin) if model["used"] and model["state"] != "ok"))' 2>/dev/null
}

# -- systemd -----------------------------------------------------------------------------------------

units() {
    local unit before=$CHANGES work
    [ "$SYSTEMD" = yes ] || return 0
    temporary && work=$REPLY
    if [ ! -d "$UNIT_FOLDER" ]; then folder "$UNIT_FOLDER" root:root 755; fi
    for unit in $UNITS $COLLECTOR $WATCH; do
        filled_in "$SOURCE/systemd/$unit" >"$work/$unit" || die "the checkout $SOURCE is incomplete: systemd/$unit"
        put "$work/$unit" "$UNIT_FOLDER/$unit" root:root 644
    done
    rm -rf "$work"
    if ! under_systemd; then
        if [ "$CHANGES" -gt "$before" ]; then note "systemd does not run here: the units in $UNIT_FOLDER were not started."; fi
    elif [ "$CHANGES" -gt "$before" ]; then
        do_it "let systemd start the service, now and at boot" start_units
        collector
        watch
    elif [ "$RENEWED" = yes ]; then
        do_it "restart the service" systemctl restart zmhook.service
        collector
        watch
    fi
}

# Cameras' snapshots are collected where the part for it is installed.
collector() {
    if has_part mqtt || has_part all; then
        do_it "let systemd run the collector of best snapshots, now and at boot" start_collector
    elif systemctl -q is-enabled "$COLLECTOR" 2>/dev/null; then
        do_it "stop the collector of best snapshots: the part mqtt is not installed" systemctl -q disable --now "$COLLECTOR"
    fi
}

# Whoever needs it has enabled it: beside a notification server it would analyse every event again.
watch() {
    if systemctl -q is-enabled "$WATCH" 2>/dev/null; then do_it "restart zmhook watch" systemctl restart "$WATCH"; fi
}

has_part() { case ,$EXTRAS, in *,"$1",*) ;; *) return 1 ;; esac }

start_collector() { systemctl daemon-reload && systemctl -q enable "$COLLECTOR" && systemctl restart "$COLLECTOR"; }

filled_in() {
    sed -e "s|@USER@|$RUN_AS|; s|@GROUP@|$RUN_GROUP|; s|@ZMHOOK@|$VENV/bin/zmhook|" \
        -e "s|@CONFIG@|$ETC/objectconfig.ini|; s|@SOCKET@|/run/zmhook/$(socket_name)|" \
        -e "s|@BASE@|$BASE|" "$1"
}

# As the hook names it.
socket_name() (
    # shellcheck disable=SC2034 # the function reads it
    config=$ETC/objectconfig.ini run='' socket=''
    eval "$(sed -n '/^socket_of() {/,/^}/p' "$SOURCE/zm_event_start.sh")"
    socket_of
    printf '%s' "${socket#/}"
)

# Units below a prefix are nothing that this machine's systemd knows.
under_systemd() { [ -z "$PREFIX" ] && [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; }

start_units() {
    # One that a hook has started would hold the lock, and its socket lies elsewhere.
    ask_service_to_stop
    # shellcheck disable=SC2086 # the names are words
    systemctl daemon-reload && systemctl -q enable $UNITS && systemctl restart $UNITS
}

stop_service() {
    if under_systemd && [ -e "$UNIT_FOLDER/zmhook.service" ]; then
        # shellcheck disable=SC2086
        do_it "stop the service" systemctl -q disable --now $UNITS
        if [ -e "$UNIT_FOLDER/$COLLECTOR" ]; then do_it "stop the collector of best snapshots" systemctl -q disable --now "$COLLECTOR"; fi
        if [ -e "$UNIT_FOLDER/$WATCH" ]; then do_it "stop zmhook watch" systemctl -q disable --now "$WATCH"; fi
    fi
    if [ "$DRY" = no ]; then ask_service_to_stop; fi
    return 0
}

# As its own user: what that user could have written runs with no more rights than it has anyway.
ask_service_to_stop() {
    if [ ! -x "$VENV/bin/zmhook" ] || { may_own && ! may_run "$RUN_AS"; }; then return 0; fi
    as_user "$VENV/bin/zmhook" service stop -c "$ETC/objectconfig.ini" >/dev/null 2>&1
    return 0
}

remove_units() {
    local unit
    for unit in $UNITS $COLLECTOR $WATCH; do
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
    case $(readlink "$COMMAND" 2>/dev/null) in "$VENV/bin/zmhook" | "$BASE/bin/zmhook") do_it "remove $COMMAND" rm -f "$COMMAND" ;; esac
    for script in $SCRIPTS; do
        if is_ours bin && { [ -f "$BASE/bin/${script##*/}" ] || [ -L "$BASE/bin/${script##*/}" ]; }; then do_it "remove $BASE/bin/${script##*/}" rm -f "$BASE/bin/${script##*/}"; fi
    done
    if [ -L "$VENV" ]; then do_it "remove the link $VENV" rm -f "$VENV"; fi
    if [ -d "$VENV" ]; then do_it "remove $VENV" remove_environment; fi
    # A login to ZoneMinder is kept in the first, what the service left in the second, messages that
    # were not sent yet, with the passwords for that, in the last.
    for script in cache run state/spool; do
        if is_ours "${script%/*}" && [ -d "$BASE/$script" ]; then do_it "remove $BASE/$script" rm -rf "${BASE:?}/$script"; fi
    done
    if [ -e "$ETC/objectconfig.ini.new" ]; then do_it "remove $ETC/objectconfig.ini.new" rm -f "$ETC/objectconfig.ini.new"; fi
    remove_empty
    [ "$CHANGES" -gt 0 ] || say "zmhook is not installed."
    if [ "$DRY" = no ]; then say_what_stays; fi
}

# Whether a folder below the base folder is one, and no link to what is somebody else's.
is_ours() { [ -d "$BASE/$1" ] && [ ! -L "$BASE/$1" ]; }

remove_empty() {
    local entry
    for entry in bin $DATA_FOLDERS ''; do
        entry=$BASE/${entry%:*}
        if [ -d "$entry" ] && [ ! -L "$entry" ] && [ -z "$(ls -A "$entry")" ]; then do_it "remove the empty folder $entry" rmdir "$entry"; fi
    done
}

say_what_stays() {
    local entry stays=()
    for entry in "$ETC/objectconfig.ini" "$ETC/secrets.ini" "$PLUGINS" "$BASE"; do
        if [ -e "$entry" ]; then stays+=("$entry"); fi
    done
    if [ ${#stays[@]} -gt 0 ]; then fill "      " "Kept: ${stays[*]}"; fi
}

# -- all of it ---------------------------------------------------------------------------------------

finish() {
    local line
    if [ "$DRY" = yes ]; then
        say "Nothing was changed (--dry-run); $(counted "$CHANGES" step) would be taken."
        return
    fi
    stage ''
    if [ "$CHANGES" -eq 0 ]; then say "Everything is already in place; nothing was changed."; else say "Done: $(counted "$CHANGES" change)."; fi
    if [ "$CHANGES" -gt 0 ] && [ "$SECONDS" -gt 0 ]; then fill "  " "It took $SECONDS s: $(printf '%s, ' ${TIMES[@]+"${TIMES[@]}"} | sed 's/, $//')"; fi
    for line in ${NOTES[@]+"${NOTES[@]}"}; do
        fill "      " "Note: ${line%%$'\n'*}"
        if [[ $line = *$'\n'* ]]; then say "      ${line#*$'\n'}"; fi # what to type stays in one line
    done
    next_steps
}

# Tell what works and what does not; that ZoneMinder is not configured yet stops nothing.
checkup() {
    if [ "$DRY" = yes ] || [ "$CHANGES" -eq 0 ] || ! as_user "$VENV/bin/zmhook" doctor --help >/dev/null 2>&1; then return 0; fi
    say "" "zmhook doctor:"
    as_user timeout 120 "$VENV/bin/zmhook" doctor -c "$ETC/objectconfig.ini" 2>&1 || say "The steps below mend most of this; then type:" "  $(to_type doctor)"
}

# to_type COMMAND...: the line that runs a command of zmhook's here. As root, it becomes the hooks' user.
to_type() {
    local command=zmhook
    if [ -n "$PREFIX" ]; then command="ZMHOOK_CONFIG=$ETC/objectconfig.ini $COMMAND"; fi
    if may_own; then command="sudo $command"; fi
    printf '%s' "$command $*"
}

next_steps() {
    local hook="$BASE/bin/zm_event_start.sh 1 1"
    if [ -n "$PREFIX" ]; then hook="ZMHOOK_CONFIG=$ETC/objectconfig.ini $hook"; fi
    if may_own; then hook="sudo -u $RUN_AS $hook"; fi
    say "" "What to do next:"
    fill "     " "  1. Put ZoneMinder's address, user and password into $ETC/secrets.ini."
    fill "     " "  2. Look through $ETC/objectconfig.ini, then type:"
    say "       $(to_type config check --live)"
    say "  3. Try one event as the web server does (event 1 of monitor 1):" "       $hook"
    fill "     " "  4. Known faces: one folder per person in $BASE/known_faces, then"
    say "       $(to_type train-faces)"
    fill "     " "  5. Have the notification server or ZoneMinder call $BASE/bin/zm_event_start.sh: docs/notification-server.md tells how."
    if may_own; then say "" "Type sudo before each command of zmhook: it then runs as $RUN_AS."; fi
}

main() {
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    parse "$@"
    check_rights
    if [ "$UNINSTALL" = yes ]; then
        take_back
        uninstall
        return
    fi
    if [ "$ASK" = yes ] && [ "$DRY" = no ] && [ -z "$GATHER" ]; then questions; fi
    check_words
    if [ -z "$GATHER" ]; then check_user; fi
    find_python
    if [ -n "$GATHER" ]; then
        gather
        return
    fi
    check_space
    summary
    if [ "$ASK" = yes ] && [ "$DRY" = no ]; then confirm; fi
    SECONDS=0
    stage preparation
    take_back
    folders
    if [ "$SCRIPTS_FIRST" = yes ]; then scripts; fi
    stage packages
    environment
    plugins
    stage configuration
    if [ "$SCRIPTS_FIRST" = no ]; then scripts; fi
    configuration
    stage models
    models
    stage service
    units
    stage doctor
    checkup
    finish
}

# Tests take functions from here by sourcing the file.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then main "$@"; fi
