#!/bin/sh
""":"
# Run by sh, this finds the Python of the environment, which then runs the same file.
self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
case $self in
*/*) here=${self%/*} ;;
*) here=. ;;
esac
# A file that was written by half is no program; sh would take it for a script.
starts() {
    [ -x "$1" ] && { IFS= read -r head || :; } <"$1" &&
        case $head in ?ELF* | "#!"*) ;; *) false ;; esac
}
starts "$here/../venv/bin/python" && exec "$here/../venv/bin/python" "$self" "$@"
# In a checkout there is the environment of make, or else any Python that has what it needs.
starts "$here/../.venv/bin/python" && exec "$here/../.venv/bin/python" "$self" "$@"
command -v python3 >/dev/null && exec python3 "$self" "$@"
# -- end
echo "zm_detect.py: cannot run: $here/../venv/bin/python is missing or damaged;" \
    "run install.sh again, which repairs it (nothing was decided, and on_failure not read)" >&2
exit 2
"""
# Look at one event's pictures and print the detection string. `--help` tells the rest.

from __future__ import annotations

import os
import sys

try:
    # Started with -S, Python has left this to us: where it fails there, it ends with 1.
    if sys.flags.no_site:
        import site

        site.main()
    from contextlib import suppress
    from pathlib import Path
    from typing import TextIO
except MemoryError:
    os.write(2, b"zm_detect.py: cannot run: there is too little memory for Python\n")
    os._exit(2)
except Exception:  # noqa: BLE001 - a damaged Python: its own exit code 1 would mean "nothing detected"
    os.write(2, b"zm_detect.py: cannot run: Python is damaged; run install.sh again\n")
    os._exit(2)

# numpy would start a thread per core while it is imported, for matrix products we do not make.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# In a checkout the package lies beside this folder; installed, it is in the environment.
source = Path(__file__).resolve().parent.parent / "hook"
if source.is_dir():
    sys.path.insert(0, str(source))
# -- end

REPAIR = "(run install.sh again: it repairs a damaged installation)"


def run() -> int:
    """Exit 2 for a broken installation too: Python's own 1 would mean "nothing detected"."""
    try:
        from zmhook.cli.detect import main

        return main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    except Exception as error:
        if "--debug" in sys.argv or "-d" in sys.argv:
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        with suppress(OSError):
            print(f"zm_detect.py: cannot run: {what} {REPAIR}", file=sys.stderr)
        return 2


def flushed(stream: TextIO | None) -> bool:
    """Say whether all is written; closed (None) it is, too: nobody wants it."""
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    code = run()
    flushed(sys.stderr)
    # What nobody got must not pass for a decision; that of an event is written elsewhere.
    if not flushed(sys.stdout) and code == 0:
        code = 2
    # Everything is written: taking models and libraries apart would only cost time.
    os._exit(code)
