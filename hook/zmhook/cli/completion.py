"""`zmhook completion`: print a script that completes zmhook's arguments in bash or zsh.

The script is static, so that completing starts no Python.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser
from zmhook.cli.output import say
from zmhook.exit_codes import DONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SCRIPTS = {
    "zm_detect.py": " detect",
    "zm_train_faces.py": " train-faces",
    "zm_snapshots.py": " snapshots run",
}
"""Scripts that take the flags of a command."""
SHELLS = {
    "bash": "zmhook completion bash | sudo tee /etc/bash_completion.d/zmhook >/dev/null",
    "zsh": "zmhook completion zsh >~/.zmhook.zsh && echo 'source ~/.zmhook.zsh' >>~/.zshrc",
}
"""The shells, each with the command that installs the script."""
_HEAD = """\
# {shell} completion for zmhook, made by: zmhook completion {shell}
"""
_ZSH = "autoload -U compinit bashcompinit && compinit && bashcompinit\n"
_BODY = """\
_zmhook() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= offers= i
    COMPREPLY=()
    case ${{COMP_WORDS[0]##*/}} in
{scripts}
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command ${{COMP_WORDS[i]}}" in
        {commands}) command="$command ${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$command $prev" in
{values}
    *)
        case $command in
{words}
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$offers" -- "$cur"))
}}
complete -o default -F _zmhook zmhook {names}
"""


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    for line in script(args.shell).splitlines():
        say(line)
    return DONE


def script(shell: str) -> str:
    """Return the script for `bash`, or for `zsh`, which runs the same by its bashcompinit."""
    from zmhook.cli.main import COMMANDS

    parsers = {
        name: import_module(command.module).make_parser() for name, command in COMMANDS.items()
    }
    tree = dict(_tree(parsers))
    words = {"": " ".join([*COMMANDS, "--help", "--version"])}
    words |= {path: " ".join(_words(path, parser)) for path, parser in tree.items()}
    body = _BODY.format(
        scripts=_cases({name: f"command='{path}'" for name, path in SCRIPTS.items()}, 4),
        commands="|".join(map(_quoted, tree)),
        values=_cases(dict(_values(tree)), 4),
        words=_cases({path: f"offers='{text}'" for path, text in words.items()}, 8),
        names=" ".join(SCRIPTS),
    )
    return _HEAD.format(shell=shell) + (_ZSH if shell == "zsh" else "") + body


def _tree(parsers: Mapping[str, Parser], path: str = "") -> Iterator[tuple[str, Parser]]:
    """Yield every command and subcommand by its words, such as ` history list`."""
    for name, parser in parsers.items():
        yield f"{path} {name}", parser
        yield from _tree(parser.commands, f"{path} {name}")


def _words(path: str, parser: Parser) -> Iterable[str]:
    """Return what may follow a command."""
    words = [*parser.commands, *parser.flags()]
    if path in (" models get", " models verify"):
        from zmhook.models.manifest import load_manifest

        words += [model.name for model in load_manifest().models]
    if path == " completion":
        words += SHELLS
    return words


def _values(tree: Mapping[str, Parser]) -> Iterator[tuple[str, str]]:
    """Yield flags with a value, and what completes it: the choices, or else files."""
    for path, parser in tree.items():
        for action in parser.options():
            if action.nargs == 0:
                continue
            choices = " ".join(map(str, action.choices or ()))
            for flag in action.option_strings:
                yield f"{path} {flag}", f"offers='{choices}'" if choices else "return"


def _cases(actions: Mapping[str, str], indent: int) -> str:
    """Return the branches of a `case`, those that do the same as one."""
    patterns: dict[str, list[str]] = {}
    for pattern, action in actions.items():
        patterns.setdefault(action, []).append(_quoted(pattern))
    return "\n".join(
        f"{' ' * indent}{'|'.join(same)}) {action} ;;" for action, same in patterns.items()
    )


def _quoted(text: str) -> str:
    return f"'{text}'"


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook completion",
        description="Print a script that completes zmhook's commands, flags and model names.",
        examples=list(SHELLS.values()),
    )
    parser.add_argument("shell", choices=tuple(SHELLS), metavar="SHELL", help="bash or zsh")
    return parser
