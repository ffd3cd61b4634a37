"""Read an INI file, with one line for each problem."""

from __future__ import annotations

import configparser
import os
import re
from typing import NamedTuple

from zmhook.errors import Problem, SettingsError
from zmhook.storage.regular import reading
from zmhook.text.names import composed

LARGEST = 1024 * 1024  # bytes; whatever is larger is not a configuration
INLINE_COMMENT = ("#",)

COMMENT_SIGNS = ("#", ";")

Sections = dict[str, dict[str, str]]
_MAY_BEGIN_SO = re.compile(r"^[^#;\[\n][^=:\n]*[=:]([^\n]*,)?[^\S\n]*[#;]", re.MULTILINE)

_INI = re.compile(r"^(?:\[[^\n]+\]|[\w-]+[ \t]*=)", re.MULTILINE)
_YAML = re.compile(
    r"""(?:[ \t]*(?:\#[^\n]*)?\n)*  # empty lines and comments
    (?:%(?:YAML|TAG)[ \t]|---|\{|-[ ]  # how a file of YAML may begin
    |(?:"[^"\n]*"[ \t]*|'[^'\n]*'[ \t]*|[^\s"'=:\#][^=:\n]*):(?:[ \t]|$)  # or with a key
    )""",
    re.MULTILINE | re.VERBOSE,
)


class Marked(NamedTuple):
    """A key whose value a comment sign may have cut off; `text` starts at the sign."""

    section: str
    key: str
    text: str


def read_marked(path: str) -> tuple[Sections, list[Marked]]:
    """Read a file, and return the keys with values that start with # or ; and read as empty.

    So is a list in which # comes behind a comma. Raises `SettingsError` as `read` does.
    """
    text = _opened(path)
    sections = _parsed(path, text, INLINE_COMMENT)
    if not _MAY_BEGIN_SO.search(text):
        return sections, []
    wholes = _parsed(path, text, ())
    marked = [
        Marked(section, key, cut)
        for section, entries in wholes.items()
        for key, whole in entries.items()
        if (cut := _cut_off(whole, sections[section][key]))
    ]
    for value in marked:
        sections[value.section][value.key] = ""
    return sections, marked


def _cut_off(whole: str, read: str) -> str:
    if whole.startswith(COMMENT_SIGNS):
        return whole
    is_cut = read.endswith(",") and whole.startswith(read) and whole != read
    return whole[len(read) :].lstrip() if is_cut else ""


def read(path: str, *, inline_comments: tuple[str, ...] = INLINE_COMMENT) -> Sections:
    """Return the keys (lower-case) and values of each section.

    Raises `SettingsError` when the file cannot be read or is not an ini file.
    """
    return _parsed(path, _opened(path), inline_comments)


def _parsed(path: str, text: str, inline_comments: tuple[str, ...]) -> Sections:
    parser = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=inline_comments, default_section="\0"
    )
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise _unreadable(path, error) from None
    return {
        composed(name): {composed(key): value for key, value in parser[name].items()}
        for name in parser.sections()
    }


def _opened(path: str) -> str:
    try:
        return text_of(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: Exception) -> SettingsError:
    return SettingsError(
        [Problem(path, "", "", f"cannot be read: {why}") for why in _reasons(error)]
    )


def looks_like_yaml(path: str) -> bool:
    """Say by its name or its first line whether a file is YAML instead of INI.

    What has a [section] or `key =` at the left margin is an ini file, whatever it begins with.
    """
    if path.lower().endswith((".yml", ".yaml")):
        return os.path.exists(path)  # noqa: PTH110 - start-up time
    try:
        text = text_of(path)
    except (OSError, ValueError):
        return False
    return bool(_YAML.match(text)) and not _INI.search(text)


def may_be_read(path: str) -> bool:
    """Say whether there is such a file that this account may read."""
    return os.access(path, os.R_OK)


def is_denied(path: str) -> bool:
    """Say whether this account may not read the file: it may be there, or not."""
    try:
        os.stat(path)  # noqa: PTH116 - start-up time
    except OSError as error:
        return isinstance(error, PermissionError)
    return not may_be_read(path)


def text_of(path: str) -> str:
    """Return the text of a file.

    Raises `OSError`, or `ValueError` where it is too large or no text.
    """
    if path == os.devnull:  # stands for a file without a line
        return ""
    with reading(path, follow=True) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is larger than 1 MiB")
    if b"\0" in data:
        raise ValueError("it holds NUL bytes, so it is not a text file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8 text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reasons(error: Exception) -> list[str]:
    """Return the reasons without the text of the line, which may contain a password."""
    if isinstance(error, configparser.DuplicateSectionError):
        return [f"line {error.lineno}: section [{error.section}] is there twice: join the two"]
    if isinstance(error, configparser.DuplicateOptionError):
        return [f"line {error.lineno}: [{error.section}] {error.option} is there twice: keep one"]
    if isinstance(error, configparser.MissingSectionHeaderError):
        return [f"line {error.lineno}: there is text before the first [section]"]
    if isinstance(error, configparser.ParsingError):
        lines = [number for number, _ in error.errors]
        return [f"line {line}: neither a section, a key = value nor a comment" for line in lines]
    if isinstance(error, OSError):
        return [error.strerror or str(error)]
    return [str(error)]
