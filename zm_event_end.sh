#!/bin/sh
# Called when an event ends, with the arguments of zm_event_start.sh; the cause is now the event's
# notes. What is printed here becomes the text of the end notification. To do more at an event's
# end, put an executable zm_event_end_local.sh beside this file: it gets the same arguments, and
# what it prints replaces the cause.

self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac

[ -x "$here/zm_event_end_local.sh" ] && exec "$here/zm_event_end_local.sh" "$@"
printf '%s\n' "${4:-}"
