"""Read ZoneMinder's database, where this machine has its zm.conf: options, filters, monitors."""

from __future__ import annotations

import logging
import os
import re
from contextlib import closing
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from zmhook.errors import MissingPart, ZmhookError
from zmhook.printable import one_line
from zmhook.process.privilege import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

Row = dict[str, Any]
PART = "zoneminder"
_ERROR = re.compile(r"\([0-9]+, (['\"])(.*)\1\)")
"""An error of the database as its driver writes it: the number, and the text that is read."""
OPTIONS = (
    "ZM_DYN_CURR_VERSION", "ZM_OPT_USE_EVENTNOTIFICATION", "ZM_OPT_USE_API",
    "ZM_LOG_LEVEL_FILE", "ZM_LOG_LEVEL_DATABASE", "ZM_LOG_LEVEL_SYSLOG",
)  # fmt: skip


class NoDatabase(ZmhookError):
    """ZoneMinder's database cannot be read from here; `cure` says what to do about it, if any."""

    def __init__(self, message: str, cure: str = "") -> None:
        self.cure = cure
        super().__init__(message)


class ZmDatabase:
    """What is in the database, read once; every attribute raises `NoDatabase`.

    Safe for use by several threads.
    """

    def __init__(self, conf_folder: str) -> None:
        self.conf = Path(conf_folder, "zm.conf")
        self._lock = Lock()

    @property
    def options(self) -> dict[str, str]:
        with self._lock:
            return {row["Name"]: str(row["Value"]) for row in self._tables["options"]}

    @property
    def filters(self) -> list[Row]:
        """Return the filters that run a program."""
        with self._lock:
            return [row for row in self._tables["filters"] if row.get("AutoExecute")]

    @property
    def monitors(self) -> list[Row]:
        with self._lock:
            return list(self._tables["monitors"])

    @property
    def clock(self) -> str:
        """Return the database's local time, `2026-07-29 17:05:03`."""
        with self._lock:
            return str(self._tables["clock"][0]["now"])

    @property
    def version(self) -> tuple[int, ...]:
        numbers = self.options.get("ZM_DYN_CURR_VERSION", "0").split(".")
        return tuple(int(number) for number in numbers if number.isdigit())

    def monitor_names(self) -> dict[int, str]:
        """Return the monitors that are not deleted, by number."""
        rows = [row for row in self.monitors if not row.get("Deleted")]
        return {int(row["Id"]): str(row["Name"]) for row in rows}

    @cached_property
    def _tables(self) -> dict[str, list[Row]]:
        self._check_conf()
        names = ", ".join(f"'{name}'" for name in OPTIONS)
        return self._read(
            {
                "options": f"SELECT Name, Value FROM Config WHERE Name IN ({names})",  # noqa: S608 - ours
                "filters": "SELECT * FROM Filters",
                "monitors": "SELECT * FROM Monitors",
                "clock": "SELECT date_format(now(), '%Y-%m-%d %H:%i:%s') AS now",
            }
        )

    def _check_conf(self) -> None:
        if not self.conf.exists():
            raise NoDatabase(f"there is no {self.conf}: ZoneMinder is on another machine")
        if not os.access(self.conf, os.R_OK):
            who = name_of(os.geteuid())
            cure = f"sudo chgrp {who} {self.conf} && sudo chmod 640 {self.conf}"
            raise NoDatabase(f"{who} may not read {self.conf}", cure)

    def _read(self, queries: dict[str, str]) -> dict[str, list[Row]]:
        try:
            from pyzm.zm import db
        except ImportError:
            raise NoDatabase(str(MissingPart("the database", "pyzm", PART))) from None
        if not db.driver_available():
            raise NoDatabase(str(MissingPart("the database", "PyMySQL", PART)))
        with _Heard() as heard:
            connection = db.get_zm_db(conf_path=str(self.conf.parent))
        if connection is None:
            why = one_line(_ERROR.sub(r"\2", heard.text) or "no connection")
            raise NoDatabase(f"it cannot be reached: {why}", f"check ZM_DB_* in {self.conf}")
        with closing(connection):
            return {name: list(_rows(db, connection, sql)) for name, sql in queries.items()}


def _rows(db: Any, connection: Any, sql: str) -> Iterator[Row]:
    cursor = db.dict_cursor(connection)
    try:
        cursor.execute(sql)
        yield from cursor.fetchall()
    except Exception as error:  # noqa: BLE001 - the driver is one of two
        raise NoDatabase(f"it cannot be read: {one_line(error)}") from None
    finally:
        cursor.close()


class _Heard(logging.Handler):
    """The last thing that pyzm has logged: it does not raise."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        self._logger = logging.getLogger("pyzm.zm")

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = True
