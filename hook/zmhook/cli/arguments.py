"""Arguments of a command line, as all commands read them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import NoReturn

from zmhook.printable import one_line


class Parser(ArgumentParser):
    """Repeats wrong arguments as they may be shown."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))
