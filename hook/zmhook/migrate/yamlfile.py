"""Read a YAML file of plain data, bounded in size, depth and what its aliases unfold to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.errors import MissingPart, Problem, SettingsError
from zmhook.settings.inifile import LARGEST
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    import yaml

MOST_NODES = 50_000
DEEPEST = 40


def read(path: str) -> dict[str, Any]:
    """Return the mapping that the file is.

    Raises `SettingsError` when it cannot be read or is none, `MissingPart` without PyYAML.
    """
    try:
        found = _load(_text(path))
    except OSError as error:
        raise _problem(path, error.strerror or str(error)) from None
    except ValueError as error:
        raise _problem(path, str(error)) from None
    if not isinstance(found, dict):
        raise _problem(path, "it is not a mapping of sections to keys")
    return found


def _text(path: str) -> str:
    with reading(path, follow=True) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is larger than 1 MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8 text") from None


def _load(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingPart("reading YAML", "PyYAML", "cli") from None
    try:
        return _built(yaml.SafeLoader(text))
    except yaml.MarkedYAMLError as error:
        raise ValueError(_where(error)) from None
    except yaml.YAMLError:
        raise ValueError("it holds a character that YAML does not allow") from None
    except RecursionError:
        raise ValueError(f"it is deeper than {DEEPEST} levels") from None


def _built(loader: yaml.SafeLoader) -> Any:
    """Measure what the file would become before anything is made of it."""
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {}, DEEPEST)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _where(error: yaml.MarkedYAMLError) -> str:
    """Tell the place and what YAML missed there, without the text of the line."""
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    return f"{line}{(error.problem or 'is not YAML').splitlines()[0]}"


def _measure(node: yaml.Node, sizes: dict[int, int], left: int) -> int:
    """Return how many nodes this one is with every alias unfolded; refuses too many."""
    known = sizes.get(id(node))
    if known == 0:
        raise ValueError("it holds itself, through an alias")
    if left == 0:
        raise ValueError(f"it is deeper than {DEEPEST} levels")
    if known is not None:
        return known
    sizes[id(node)] = 0
    size = 1 + sum(_measure(child, sizes, left - 1) for child in _children(node))
    if size > MOST_NODES:
        raise ValueError(f"it has more than {MOST_NODES} values, its aliases unfolded")
    sizes[id(node)] = size
    return size


def _children(node: Any) -> Iterable[yaml.Node]:
    if not isinstance(node.value, list):
        return ()
    pairs = (part if isinstance(part, tuple) else (part,) for part in node.value)
    return (child for pair in pairs for child in pair)


def _problem(path: str, why: str) -> SettingsError:
    return SettingsError([Problem(path, "", "", f"cannot be read: {why}")])
