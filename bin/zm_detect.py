#!/usr/bin/env python3
"""Look at one event's pictures and print the detection string. `--help` tells the rest."""

import os
import sys
from pathlib import Path

# numpy would start a thread per core while it is imported, for matrix products we do not make.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# In a checkout the package lies beside this folder; installed, it is in the environment.
source = Path(__file__).resolve().parent.parent / "hook"
if source.is_dir():
    sys.path.insert(0, str(source))


def run() -> int:
    """Exit 2 for a broken installation too: Python's own 1 would mean "nothing detected"."""
    try:
        from zmhook.cli.detect import main

        return main()
    except Exception as error:
        if "--debug" in sys.argv or "-d" in sys.argv:
            raise
        print(f"zm_detect.py: cannot run: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    code = run()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # ZoneMinder's EventStartCommand runs with all of them closed
            stream.flush()
    # Everything is written: taking models and libraries apart would only cost time.
    os._exit(code)
