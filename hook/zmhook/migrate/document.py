"""The converted file: sections of lines with comments, and the list of what is lost."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import Problem, SettingsError
from zmhook.migrate import reasons
from zmhook.migrate.draft import ConfigLine, Draft, Lost
from zmhook.migrate.ml_sequence import KINDS
from zmhook.migrate.old_config import find, schema
from zmhook.printable import one_line
from zmhook.settings.loader import load
from zmhook.text.redact import long_ones_masked

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping

_LIMITS = "gate"
_DEFAULT = ConfigLine("", "not said for this monitor: the default")
_RULE = "-" * 68
_ROUNDS = 5


class Document:
    """The lines by section and key (`sections`), and what is not among them (`lost`).

    `locations` are those of the keys that all monitors share: they are listed once.
    """

    def __init__(self, common: Draft, own: Mapping[int, Draft], locations: Container[str]) -> None:
        self.sections: dict[str, dict[str, ConfigLine]] = {
            section: {} for section in schema().sections
        }
        self.lost = list(common.lost)
        for name, entry in sorted(common.entries.items(), key=_order):
            key = find(name)
            self.sections[key.section if key else _LIMITS][name] = entry
        for monitor, draft in sorted(own.items()):
            lines = sorted(_differences(common, draft), key=_order)
            self.sections[f"monitor-{monitor}"] = dict(_noted_once(lines))
            self.lost += [
                lost._replace(location=_of_monitor(lost.location, monitor))
                for lost in draft.lost
                if lost not in common.lost and lost.location not in locations
            ]

    def lines(self) -> Iterator[tuple[str, str, ConfigLine]]:
        """Yield each line with its section and key."""
        for section, entries in self.sections.items():
            for name, entry in entries.items():
                yield section, name, entry

    def remove(self, section: str, name: str, why: str) -> None:
        """Remove a line, and list it as lost."""
        entry = self.sections[section].pop(name)
        location = f"[{section}] {name}"
        short = one_line(why, reasons.LONGEST_LINE)
        self.lost.append(Lost(location, reasons.shown(name, entry.text), short))

    def conceal(self, secrets: Collection[str]) -> None:
        """Mask secrets that values or comments repeat."""
        self.lost = [
            Lost(
                lost.location,
                long_ones_masked(lost.shown, secrets),
                long_ones_masked(lost.why, secrets),
            )
            for lost in self.lost
        ]
        for section, name, entry in list(self.lines()):
            note = long_ones_masked(entry.note, secrets)
            self.sections[section][name] = ConfigLine(entry.text, note)

    def text(self, header: Iterable[str]) -> str:
        """Return the file, which begins with the lines of the header."""
        blocks = ["\n".join(_comment(line) for line in header)]
        for section, entries in self.sections.items():
            if entries or section.startswith("monitor-"):
                body = "".join(_line(name, entry) for name, entry in entries.items())
                blocks.append(f"[{section}]\n{body}".rstrip("\n"))
        if self.lost:
            blocks.append("\n".join(_comment(line) for line in self._lost_lines()))
        return "\n\n".join(blocks) + "\n"

    def lost_by_reason(self) -> dict[str, list[Lost]]:
        groups: dict[str, list[Lost]] = {}
        for lost in dict.fromkeys(self.lost):
            groups.setdefault(lost.why, []).append(lost)
        return groups

    def _lost_lines(self) -> Iterator[str]:
        yield f"--- Not carried over {_RULE}"
        for why, all_lost in self.lost_by_reason().items():
            yield ""
            yield f"{why}:"
            for lost in all_lost:
                yield f"    {one_line(lost.location)} = {lost.shown}"


def _order(line: tuple[str, ConfigLine]) -> int:
    """Sort by the order of the keys; other names, such as zones, come last."""
    return _key_numbers().get(line[0], len(schema().keys))


@cache
def _key_numbers() -> dict[str, int]:
    return {name: number for number, name in enumerate(schema().keys)}


def _differences(common: Draft, own: Draft) -> Iterator[tuple[str, ConfigLine]]:
    """Return the lines of one monitor, and defaults for those lines that only the others have."""
    models = {*own.text("models").split(",")}
    for name, entry in own.entries.items():
        before = common.entries.get(name)
        if name != "secrets" and (before is None or before.text != entry.text):
            yield name, entry
    for name in common.entries:
        if name not in own.entries and name != "secrets" and _model(name) in ("", *models):
            yield name, _DEFAULT


def _model(name: str) -> str:
    """Return the only model that reads a key; empty if all do."""
    for about in KINDS.values():
        if about.pattern == name:
            return about.ours
    key = find(name)
    return key.section if key and key.section in ("yolo", "hog", "face", "alpr") else ""


def _noted_once(lines: Iterable[tuple[str, ConfigLine]]) -> Iterator[tuple[str, ConfigLine]]:
    """Drop a comment that repeats that of the line before."""
    before = ""
    for name, entry in lines:
        yield name, ConfigLine(entry.text) if entry.note == before else entry
        before = entry.note


def _of_monitor(location: str, monitor: int) -> str:
    known = (f"[monitor-{monitor}]", f"monitors: {monitor}:")
    return location if location.startswith(known) else f"[monitor-{monitor}] {location}"


def _line(name: str, entry: ConfigLine) -> str:
    comment = f"{_comment(entry.note)}\n" if entry.note else ""
    return f"{comment}{name} = {entry.text}".rstrip() + "\n"


def _comment(text: str) -> str:
    return f"# {text}".rstrip()


def settle(document: Document, secrets: str, content: str | None = None) -> list[str]:
    """Remove lines that the loader rejects; return all other problems, such as a secrets file.

    `secrets` is the path of the secrets file, empty for none; `content` what it is going to hold.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        for _ in range(_ROUNDS):
            problems = _problems(document, directory, secrets, content)
            wrong = {
                (problem.section, problem.key): problem.message
                for problem in problems
                if problem.key in document.sections.get(problem.section, {})
            }
            for (section, name), message in wrong.items():
                document.remove(section, name, message)
            if not wrong:
                break
    return [_message(problem, directory).replace(folder, "") for problem in problems]


def _message(problem: Problem, directory: Path) -> str:
    """Name the file if it is not the result itself, such as the secrets file."""
    is_ours = Path(problem.file).parent == directory
    return problem.message if is_ours else f"{problem.file}: {problem.message}"


def _problems(document: Document, folder: Path, secrets: str, content: str | None) -> list[Problem]:
    file = folder / "objectconfig.ini"
    file.touch(mode=0o600)
    file.write_text(document.text([]), encoding="utf-8")
    if content is not None:
        secrets = str(folder / "secrets.ini")
        Path(secrets).touch(mode=0o600)
        Path(secrets).write_text(content, encoding="utf-8")
    try:
        load(file, [f"general.secrets={secrets}"] if secrets else [], step_down=False)
    except SettingsError as error:
        return list(error.problems)
    return []
