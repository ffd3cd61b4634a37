"""Make sure that a result is right: what our own reader refuses is taken out and listed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import Problem, SettingsError
from zmhook.settings.loader import load

if TYPE_CHECKING:
    from zmhook.migrate.document import Document

_ROUNDS = 5


def settle(document: Document, secrets: str, content: str | None = None) -> list[str]:
    """Take out what cannot stand; return what is wrong beside that, such as a secrets file.

    `secrets` is the path of the secrets file, empty for none; `content` what it is going to hold.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for _ in range(_ROUNDS):
            problems = _problems(document, place, secrets, content)
            wrong = {
                (problem.section, problem.key): problem.message
                for problem in problems
                if problem.key in document.sections.get(problem.section, {})
            }
            for (section, name), message in wrong.items():
                document.remove(section, name, message)
            if not wrong:
                break
    return [_told(problem, place).replace(folder, "") for problem in problems]


def _told(problem: Problem, place: Path) -> str:
    """Name the file where it is another than the result, such as that of the secrets."""
    is_ours = Path(problem.file).parent == place
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
