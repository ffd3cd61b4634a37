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
echo "zm_train_faces.py: cannot run: $here/../venv/bin/python is missing or damaged;" \
    "run install.sh again, which repairs it (nothing was trained)" >&2
exit 2
"""
# Train the faces of known people. `--help` tells the rest.

import os
import sys
from pathlib import Path

# numpy would start a thread per core while it is imported, for matrix products we do not make.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# In a checkout the package lies beside this folder; installed, it is in the environment.
source = Path(__file__).resolve().parent.parent / "hook"
if source.is_dir():
    sys.path.insert(0, str(source))
# -- end

REPAIR = "(run install.sh again: it repairs a damaged installation)"


def run() -> int:
    """Exit 2 for a broken installation too: Python's 1 would mean trained, but not all."""
    try:
        from zmhook.cli.train_faces import main

        return main()
    except Exception as error:
        if "--debug" in sys.argv or "-d" in sys.argv:
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"zm_train_faces.py: cannot run: {what} {REPAIR}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(run())
