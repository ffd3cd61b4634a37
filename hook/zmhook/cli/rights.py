"""What to type instead, where the account that runs a command may not do something."""

from __future__ import annotations

import os
import re
import sys

from zmhook.process.privilege import is_root

_DENIED = re.compile(r"permission denied|no permission|operation not permitted", re.IGNORECASE)
_MAY_BE_SECRET = re.compile(r"-O|--override|--.*password")


def advised(text: object) -> str:
    """Add the line to type to a message about a missing permission, for others than root.

    As root, zmhook reads what the command line names, and becomes the user of the hooks.
    """
    message = str(text)
    if is_root() or not _DENIED.search(message):
        return message
    return f"{message}; type: {as_root(sys.argv)}"


def as_root(argv: list[str]) -> str:
    """Return a command line as root would type it; values that may be secret are left out."""
    import shlex
    import shutil

    program, *arguments = argv or ["zmhook"]
    name = os.path.basename(program)  # noqa: PTH119 - start-up time
    is_found = name == "zmhook" and shutil.which(name)
    words = [name if is_found else os.path.abspath(program), *arguments]  # noqa: PTH100
    if any(map(_MAY_BE_SECRET.match, arguments)):
        words[2:] = []
    line = shlex.join(words) + (" ..." if len(words) <= len(arguments) else "")
    if config := os.environ.get("ZMHOOK_CONFIG"):
        line = f"ZMHOOK_CONFIG={shlex.quote(config)} {line}"
    return f"sudo {line}" if shutil.which("sudo") else f"su -c {shlex.quote(line)}"
