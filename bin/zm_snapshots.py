#!/usr/bin/env python3
"""Keep the snapshots that cameras send over MQTT. `--help` tells the rest."""

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
    """Exit 2 for a broken installation, too."""
    try:
        from zmhook.cli.main import main

        return main(["snapshots", "run", *sys.argv[1:]])
    except Exception as error:
        if "--debug" in sys.argv or "-d" in sys.argv:
            raise
        print(f"zm_snapshots.py: cannot run: {type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(run())
