"""Read an ini file, and say in one line each what is wrong with it."""

from __future__ import annotations

import configparser
import os

from zmhook.errors import Problem, SettingsError
from zmhook.regular import reading

LARGEST = 1024 * 1024  # bytes; whatever is larger is not a configuration
INLINE_COMMENT = ("#",)

Sections = dict[str, dict[str, str]]


def read(path: str, *, inline_comments: tuple[str, ...] = INLINE_COMMENT) -> Sections:
    """Return the keys (lower-case) and values of each section.

    Raises `SettingsError` when the file cannot be read or is not an ini file.
    """
    parser = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=inline_comments, default_section="\0"
    )
    try:
        parser.read_string(_text(path))
    except (OSError, ValueError, configparser.Error) as error:
        problems = [Problem(path, "", "", f"cannot be read: {why}") for why in _reasons(error)]
        raise SettingsError(problems) from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _text(path: str) -> str:
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
    """Tell without the text of the line: it may hold a password."""
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
