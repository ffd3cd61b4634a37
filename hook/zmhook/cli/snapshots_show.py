"""`zmhook snapshots list`, `show` and `export`: show stored snapshots, copy them elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import json

from zmhook import CONFIG
from zmhook.cli import tables
from zmhook.cli.output import complain, say, say_json
from zmhook.errors import NoStore
from zmhook.printable import shortened
from zmhook.process.privilege import become_owner
from zmhook.text.local_time import local_time

if TYPE_CHECKING:
    import argparse

    from zmhook.snapshots.snapshot import StoredSnapshot
    from zmhook.snapshots.store.index import Index

_HEAD = (
    *("number", "taken", "camera", "monitor", "class", "score", "seconds", "kB", "file"),
    "description",
)
_NUMBERS = frozenset({0, 3, 5, 6, 7})
_OPTIONAL = (8, 7, 6)
_WRAPPED = frozenset({2, 9})
_LONGEST_CELL = 60
_FIRST = ("number", "monitor_id", "taken", "camera", "label", "score", "file", "path")
"""The first keys of the JSON, in this order."""


def list_snapshots(args: argparse.Namespace) -> int:
    try:
        with _open(args) as index:
            rows = _matching(index, args)
            total = index.count()
    except NoStore:
        if not args.json:
            raise
        say_json([])
        return 0
    if args.json:
        say_json([_plain(row, index) for row in rows])
        return 0
    title = f"{len(rows)} of {total} snapshots in {index.folder}"
    if rows:
        table = tables.Table(
            title, _HEAD, [_cells(row) for row in rows], _NUMBERS, _OPTIONAL, _WRAPPED
        )
        tables.show([table], sys.stdout)
    else:
        tables.show([f"No matching snapshot among the {total} in {index.folder}."], sys.stdout)
    return 0


def show_snapshot(args: argparse.Namespace) -> int:
    with _open(args) as index:
        row = index.get(args.number)
    if row is None:
        complain(f"{index.folder}: there is no snapshot {args.number}")
        return 1
    if args.json:
        say_json(_plain(row, index))
    else:
        tables.show([_fields(row, index)], sys.stdout)
    return 0


def export_snapshots(args: argparse.Namespace) -> int:
    from zmhook.snapshots.store.export import export

    with _open(args) as index:
        rows, missing = _selected(index, args)
        result = export(index, rows, Path(args.to))
    for number in missing:
        complain(f"{index.folder}: there is no snapshot {number}")
    for row in result.gone:
        complain(f"{index.path(row)}: the picture is missing")
    say(f"{result.written} pictures and {result.listing} in {args.to}")
    return 1 if missing or result.gone else 0


# -- selection -----------------------------------------------------------------------------------


def _open(args: argparse.Namespace) -> Index:
    from zmhook.snapshots.store.index import Index

    folder = Path(args.storage or _folder(args.config)).absolute()
    become_owner(folder)
    return Index.open(folder)


def _folder(config: str) -> str:
    from zmhook.snapshots import environment

    settings = environment.read(config, must_exist=config != CONFIG)
    return settings.general.snapshots.snapshot_path


def _matching(index: Index, args: argparse.Namespace) -> list[StoredSnapshot]:
    return index.rows(
        monitor_id=args.monitor,
        camera=args.camera or "",
        label=args.label or "",
        since=args.since,
        until=args.until,
        limit=args.limit or -1,
    )


def _selected(index: Index, args: argparse.Namespace) -> tuple[list[StoredSnapshot], list[int]]:
    """Return the rows to export, and the numbers of missing snapshots."""
    if not args.numbers:
        return _matching(index, args), []
    by_number = {number: index.get(number) for number in dict.fromkeys(args.numbers)}
    rows = [row for row in by_number.values() if row is not None]
    return rows, [number for number, row in by_number.items() if row is None]


# -- output --------------------------------------------------------------------------------------


def _plain(row: StoredSnapshot, index: Index) -> dict[str, object]:
    from msgspec import to_builtins

    plain = {**to_builtins(row), "path": str(index.path(row))}
    return {**{key: plain[key] for key in _FIRST}, **plain}


def _cells(row: StoredSnapshot) -> list[str]:
    return [
        str(row.number),
        _time(row.taken),
        row.camera,
        "" if row.monitor_id is None else str(row.monitor_id),
        row.label,
        "" if row.score is None else f"{row.score:.0%}",
        "" if row.duration is None else f"{row.duration:.1f}",
        f"{row.size / 1000:.1f}",
        row.file,
        shortened(_description(row), _LONGEST_CELL),
    ]


def _fields(row: StoredSnapshot, index: Index) -> tables.Table:
    plain = _plain(row, index)
    shown = [(name, _value(name, value)) for name, value in plain.items()]
    known = [(name, text) for name, text in shown if text]
    return tables.Table(f"Snapshot {row.number}", ("field", "value"), known)


def _value(name: str, value: object) -> str:
    if value is None or value in ("", (), [], {}):
        return ""
    if name in ("taken", "received", "start", "end") and isinstance(value, float):
        return _time(value)
    if name == "score" and isinstance(value, float):
        return f"{value:.0%}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, (str, int, float)) else json.encode(value).decode()


def _description(row: StoredSnapshot) -> str:
    return ", ".join(f"{name}: {value}" for name, value in (row.description or {}).items())


def _time(at: float) -> str:
    try:
        return local_time(at)
    except (OverflowError, OSError, ValueError):  # a camera's clock may be anything
        return f"{at:g}"
