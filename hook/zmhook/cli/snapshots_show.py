"""`zmhook snapshots list | show | export`: look at what is stored, take it elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import json

from zmhook.cli import tables, where
from zmhook.cli.arguments import Parser
from zmhook.cli.moment import moment_argument, monitor_argument, number_argument
from zmhook.cli.output import complain, say, say_json
from zmhook.process.privilege import become_owner

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.snapshots.snapshot import StoredSnapshot
    from zmhook.snapshots.store.index import Index

LISTED = 50

_HEAD = ("number", "taken", "camera", "monitor", "class", "score", "seconds", "kB", "file", "said")
_NUMBERS = frozenset({0, 3, 5, 6, 7})
_LONGEST_CELL = 60


def list_main(argv: Sequence[str] | None = None) -> int:
    args = _list_parser().parse_args(argv)
    with _open(args) as index:
        rows = _chosen(index, args)
        total = index.count()
    if args.json:
        say_json([_plain(row, index) for row in rows])
        return 0
    title = f"{len(rows)} of {total} snapshots in {index.folder}"
    if rows:
        table = tables.Table(title, _HEAD, [_cells(row) for row in rows], _NUMBERS)
        tables.show([table], sys.stdout)
    else:
        tables.show([f"None of the {total} snapshots in {index.folder} are like that."], sys.stdout)
    return 0


def show_main(argv: Sequence[str] | None = None) -> int:
    args = _show_parser().parse_args(argv)
    with _open(args) as index:
        row = index.get(args.number)
    if row is None:
        complain(f"there is no snapshot {args.number} in {index.folder}")
        return 1
    if args.json:
        say_json(_plain(row, index))
    else:
        tables.show([_fields(row, index)], sys.stdout)
    return 0


def export_main(argv: Sequence[str] | None = None) -> int:
    from zmhook.snapshots.store.export import export

    parser = _export_parser()
    args = parser.parse_args(argv)
    if not (args.numbers or args.all or _filters(args)):
        parser.error("which ones? NUMBERs, --since, --until, --monitor, --camera, --label or --all")
    with _open(args) as index:
        rows, missing = _wanted(index, args)
        result = export(index, rows, Path(args.to))
    for number in missing:
        complain(f"there is no snapshot {number} in {index.folder}")
    for row in result.gone:
        complain(f"{index.path(row)}: the picture is gone")
    say(f"{result.written} pictures and {result.listing} in {args.to}")
    return 1 if missing or result.gone else 0


# -- what is asked for ---------------------------------------------------------------------------


def _open(args: argparse.Namespace) -> Index:
    from zmhook.snapshots.store.index import Index

    folder = Path(args.storage or _folder(args.config)).absolute()
    become_owner(folder)
    return Index.open(folder)


def _folder(config: str) -> str:
    from zmhook.snapshots import environment

    found = environment.read(config, must_exist=config != where.CONFIG)
    return found.general.snapshots.snapshot_path


def _filters(args: argparse.Namespace) -> bool:
    given = (args.monitor, args.camera, args.label, args.since, args.until)
    return any(value is not None for value in given)


def _chosen(index: Index, args: argparse.Namespace) -> list[StoredSnapshot]:
    return index.rows(
        monitor_id=args.monitor,
        camera=args.camera or "",
        label=args.label or "",
        since=args.since,
        until=args.until,
        limit=args.limit or -1,
    )


def _wanted(index: Index, args: argparse.Namespace) -> tuple[list[StoredSnapshot], list[int]]:
    """Return the rows to export, and the numbers that there are none of."""
    if not args.numbers:
        return _chosen(index, args), []
    found = {number: index.get(number) for number in dict.fromkeys(args.numbers)}
    rows = [row for row in found.values() if row is not None]
    return rows, [number for number, row in found.items() if row is None]


# -- how it is shown -----------------------------------------------------------------------------


def _plain(row: StoredSnapshot, index: Index) -> dict[str, object]:
    from msgspec import to_builtins

    return {**to_builtins(row), "path": str(index.path(row))}


def _cells(row: StoredSnapshot) -> list[str]:
    return [
        str(row.number),
        _time(row.taken),
        row.camera,
        "" if row.monitor_id is None else str(row.monitor_id),
        row.label,
        "" if row.score is None else f"{row.score:.2f}",
        "" if row.duration is None else f"{row.duration:.1f}",
        f"{row.size / 1000:.1f}",
        row.file,
        _shortened(_said(row)),
    ]


def _fields(row: StoredSnapshot, index: Index) -> tables.Table:
    plain = _plain(row, index)
    shown = [(name, _value(name, value)) for name, value in plain.items()]
    known = [(name, text) for name, text in shown if text]
    return tables.Table(f"Snapshot {row.number}", ("what", "value"), known)


def _value(name: str, value: object) -> str:
    if value is None or value in ("", (), [], {}):
        return ""
    if name in ("taken", "received", "start", "end") and isinstance(value, float):
        return _time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, (str, int, float)) else json.encode(value).decode()


def _said(row: StoredSnapshot) -> str:
    return ", ".join(f"{name}: {value}" for name, value in (row.description or {}).items())


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _time(at: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, OSError, ValueError):  # a camera's clock may say anything
        return f"{at:g}"


# -- arguments -----------------------------------------------------------------------------------


def _list_parser() -> argparse.ArgumentParser:
    parser = _parser("list", "The stored snapshots, newest first.")
    _add_filters(parser, LISTED)
    _add_json(parser)
    return parser


def _show_parser() -> argparse.ArgumentParser:
    parser = _parser("show", "All that is known of one snapshot.")
    parser.add_argument("number", metavar="NUMBER", type=number_argument, help="its number")
    _add_json(parser)
    return parser


def _export_parser() -> argparse.ArgumentParser:
    parser = _parser("export", "Copy snapshots to a folder, with a JSON file that describes them.")
    parser.add_argument(
        "numbers", nargs="*", metavar="NUMBER", type=number_argument, help="which ones"
    )
    parser.add_argument("--to", required=True, metavar="FOLDER", help="made when it is not there")
    parser.add_argument("--all", action="store_true", help="all there are")
    _add_filters(parser, 0)
    return parser


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"zmhook snapshots {command}", description=description)
    where.add_config(parser)
    parser.add_argument(
        "-s", "--storage", metavar="FOLDER", help="the store (default: snapshot_path of the config)"
    )
    return parser


def _add_filters(parser: argparse.ArgumentParser, limit: int) -> None:
    parser.add_argument("--monitor", type=monitor_argument, metavar="N", help="of this monitor")
    parser.add_argument("--camera", metavar="NAME", help="of this camera")
    parser.add_argument("--label", metavar="CLASS", help="of this class, as the camera names it")
    form = "2026-03-20, '2026-03-20 10:17', or 2h (30m, 7d) ago"
    parser.add_argument(
        "--since", type=moment_argument, metavar="TIME", help=f"taken then or later: {form}"
    )
    parser.add_argument(
        "--until", type=moment_argument, metavar="TIME", help="taken then or earlier"
    )
    parser.add_argument(
        "--limit",
        type=number_argument,
        default=limit,
        metavar="N",
        help="the newest N (0: all; default: %(default)s)",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


MAINS = {"list": list_main, "show": show_main, "export": export_main}
"""Each command's function, which takes its arguments and returns the exit code."""
