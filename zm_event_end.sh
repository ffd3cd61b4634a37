#!/bin/sh
# Called when an event ends, with the arguments of zm_event_start.sh; the cause is now the event's
# notes. What is printed here becomes the text of the end notification. To do more at an event's
# end, put an executable zm_event_end_local.sh beside this file: it gets the same arguments, and
# what it prints replaces the cause.

# As in zm_event_start.sh: ZoneMinder closes every file, and has everybody write to what we make.
exec </dev/null
{ true 3>&1; } 2>/dev/null || exec >/dev/null
true 3>&2 || exec 2>/dev/null
umask 007

self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac

local=$here/zm_event_end_local.sh
if [ -x "$local" ]; then
    # ZoneMinder has SIGCHLD blocked and ignored, and `wait` would never return in there. A shell
    # cannot change that; ZoneMinder comes with Perl.
    # shellcheck disable=SC2016 # that is Perl's
    command -v perl >/dev/null && exec perl -MPOSIX=:signal_h -e '
        sigprocmask(SIG_SETMASK, POSIX::SigSet->new);
        $SIG{$_} = "DEFAULT" for qw(CHLD PIPE);
        exec {$ARGV[0]} @ARGV or exit 126' -- "$local" "$@"
    exec "$local" "$@"
fi
printf '%s\n' "${4:-}"
