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

from zmhook.cli.detect import main

if __name__ == "__main__":
    sys.exit(main())
