"""The installation that is examined: its configuration, its user, and how to call its commands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zmhook import CONFIG
from zmhook.process.privilege import name_of
from zmhook.settings import Config, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Patient(NamedTuple):
    """`config` holds what could be read where the configuration is broken.

    `owner` is the user who runs the hooks: that of the data; `was_root` says that we began as root.
    With `is_broken` the configuration has problems, and what is in `config` is not all of it.
    """

    path: str
    config: Config
    overrides: Sequence[str]
    owner: str
    was_root: bool = False
    is_broken: bool = False

    @property
    def settings(self) -> Settings:
        return self.config.general

    @property
    def is_strangers(self) -> bool:
        """Whether we look at it as somebody who neither runs the hooks nor began as root."""
        return not self.was_root and name_of(os.geteuid()) != self.owner

    def everybody(self) -> list[Settings]:
        """Return the settings of all monitors, those that have none of their own first."""
        return [self.config.general, *self.config.monitors.values()]

    def distinct(self, key: Callable[[Settings], object]) -> Iterator[tuple[str, Settings]]:
        """Yield the settings that differ in `key`, each with " (monitor N)" where it is not all."""
        known = []
        for monitor, settings in [(0, self.config.general), *sorted(self.config.monitors.items())]:
            value = key(settings)
            if value not in known:
                known.append(value)
                yield f" (monitor {monitor})" if monitor else "", settings

    def command(self, words: str) -> str:
        """Return the line to type for `zmhook WORDS`, as the user who may."""
        return self.with_config(f"{self.prefix()}zmhook {words}")

    def with_config(self, line: str) -> str:
        """Add our configuration to a line to type, where it is not the usual one."""
        return line if self.path == CONFIG else f"{line} -c {shlex.quote(self.path)}"

    def prefix(self) -> str:
        """Return what to write before a command that has to be run as the owner of the data."""
        if not self.was_root and not self.is_strangers:
            return ""
        return "sudo " if self.owner == "root" else f"sudo -u {self.owner} "
