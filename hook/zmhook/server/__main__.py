"""`python -m zmhook.server`: run the service; hooks and `zmhook serve` start it so."""

from __future__ import annotations

import sys

from zmhook.server.run import main

if __name__ == "__main__":
    sys.exit(main())
