"""Read a Python literal (dicts, lists, texts, numbers) without ever evaluating anything.

The tokens are looked at first: only literals may stand there, and not too deep or too many, so
that the parser of Python has nothing to choke on.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from typing import Any

LONGEST = 256 * 1024  # characters
DEEPEST = 30
MOST_TOKENS = 50_000

_OPEN, _CLOSE, _SIGNS = frozenset("{[("), frozenset("}])"), frozenset("+-")
_BETWEEN = frozenset(",:")
_CONSTANTS = frozenset({"True", "False", "None"})
_BLANK = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.ENCODING}
)
_VALUES = frozenset({tokenize.STRING, tokenize.NUMBER})


def parse(text: str) -> Any:
    """Return what the text stands for; raises `ValueError`, whose text shows no value."""
    stripped = text.strip()
    if len(stripped) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    try:
        _check(stripped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape such as \d, which older files have
            return ast.literal_eval(stripped)
    except tokenize.TokenError as error:
        raise ValueError(f"line {error.args[1][0]}: a bracket or quote is not closed") from None
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno or 1}: is no list or dict in Python's form") from None
    except (TypeError, MemoryError, RecursionError):
        raise ValueError("is no list or dict in Python's form") from None


def _check(text: str) -> None:
    depth, before = 0, ""
    for number, token in enumerate(tokenize.generate_tokens(io.StringIO(text).readline)):
        if number > MOST_TOKENS:
            raise ValueError(f"has more than {MOST_TOKENS} parts")
        if not _is_literal(token) or {token.string, before} <= _SIGNS:
            raise ValueError(
                f"line {token.start[0]}: only texts, numbers, lists and dicts may stand there"
            )
        before = token.string
        depth += (token.string in _OPEN) - (token.string in _CLOSE)
        if depth > DEEPEST:
            raise ValueError(f"line {token.start[0]}: is deeper than {DEEPEST} brackets")


def _is_literal(token: tokenize.TokenInfo) -> bool:
    if token.type == tokenize.OP:
        return token.string in _OPEN | _CLOSE | _SIGNS | _BETWEEN
    if token.type == tokenize.NAME:
        return token.string in _CONSTANTS
    return token.type in _BLANK | _VALUES
