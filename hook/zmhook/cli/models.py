"""`zmhook models`: list the model files, fetch them, verify them."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser
from zmhook.cli.output import complain, say
from zmhook.errors import DownloadError
from zmhook.models.manifest import BUILT_IN, Manifest, Model, ModelFile, load_manifest
from zmhook.models.store import Store, used
from zmhook.printable import printable
from zmhook.process.privilege import become_owner

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from zmhook.models.download import Progress
    from zmhook.settings import Config

CONFIG = "/etc/zm/objectconfig.ini"
BY_HAND = (
    "fetch it elsewhere and put it at {place}; until then the models that need no file work: "
    "hog, and face with hog or cnn"
)


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    manifest = load_manifest(args.manifest)
    config = _config(args.config, needed=not args.to)
    store = Store(args.to or Path(_base(config), "models"))
    become_owner(store.folder)
    if args.command == "list":
        return _list(manifest, store, config)
    models = _chosen(manifest, args.names, config)
    if args.command == "verify":
        return _verify(models, store)
    return _get(models, store, config, force=args.force)


def _config(path: str, *, needed: bool) -> Config | None:
    """Read the configuration; with --to it is only asked what is in use, so it may be absent."""
    from zmhook.settings import load

    if not needed and not Path(path).exists():
        return None
    return load(path)


def _base(config: Config | None) -> str:
    from zmhook.settings import General

    return (config.general.general if config else General()).base_data_path


def _chosen(manifest: Manifest, names: list[str], config: Config | None) -> list[Model]:
    if names:
        return manifest.pick(names)
    if config is None:
        raise DownloadError("there is no configuration that says which models are used: name them")
    return used(manifest, config)


# -- list ----------------------------------------------------------------------------------------


def _list(manifest: Manifest, store: Store, config: Config | None) -> int:
    in_use = used(manifest, config) if config else []
    say(f"Model files in {store.folder}:")
    for model in manifest.models:
        mark = "*" if model in in_use else " "
        say(
            f"{mark} {model.name:<14} {_megabytes(model.size):>8}  {store.state_of(model):<8}"
            f" {model.description} ({model.licence})"
        )
    for name, description in BUILT_IN.items():
        say(f"  {name:<14} {'':>8}  built in {description}")
    if in_use:
        say("* is used by the configuration. zmhook models get fetches what is used and missing.")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


# -- verify --------------------------------------------------------------------------------------


def _verify(models: list[Model], store: Store) -> int:
    wrong = 0
    for file in (file for model in models for file in model.files):
        state = store.state(file)
        wrong += state != "ok"
        say(f"{state:<8} {store.place(file)}")
    if not models:
        say("The configuration uses no model that has a file of its own.")
    return 1 if wrong else 0


# -- get -----------------------------------------------------------------------------------------


def _get(models: list[Model], store: Store, config: Config | None, *, force: bool) -> int:
    if not models:
        say("Nothing to fetch: the configuration uses no model that has a file of its own.")
    failed = 0
    for model in models:
        say(f"{model.name}: {model.description}. Licence: {model.licence}, {model.licence_url}")
        try:
            for file in model.files:
                _get_file(file, store, force=force)
        except DownloadError as error:
            failed += 1
            complain(error)
        else:
            _say_settings(model, config)
    return 1 if failed else 0


def _get_file(file: ModelFile, store: Store, *, force: bool) -> None:
    from zmhook.models.download import download

    place = store.place(file)
    state = store.state(file)
    if state == "ok":
        say(f"  {place}: there already, verified")
        return
    if state == "changed" and not force:
        raise DownloadError(f"{place} is there and is another file; --force replaces it")
    try:
        with _progress(place.name) as progress:
            download(file, place, progress)
    except DownloadError as error:
        raise DownloadError(f"{error}; {BY_HAND.format(place=place)}") from None
    say(f"  {place}: fetched, verified")


def _say_settings(model: Model, config: Config | None) -> None:
    """Name the settings that the configuration still lacks for this model."""
    base = _base(config)
    for setting, path in model.settings.items():
        section, key = setting.split(".")
        now = getattr(getattr(config.general, section), key) if config else None
        if now != str(Path(base, "models", path)):
            say(f"  to use it: [{section}] {key} = {{{{base_data_path}}}}/models/{path}")


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """Show a bar where somebody watches, one line where nobody does."""
    if not sys.stderr.isatty():
        say(f"  fetching {name} ...")
        yield lambda done, total: None  # noqa: ARG005 - nobody watches
        return
    try:
        from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar
    except ImportError:
        yield _plain(name)
        say(error=True)
        return
    from rich.console import Console

    columns = (
        *Bar.get_default_columns()[:2],
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"  {name}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(name: str) -> Progress:
    """One line that counts up, where rich is not installed."""
    shown = -1

    def show(done: int, total: int | None) -> None:
        nonlocal shown
        if total and done * 100 // total != shown:
            shown = done * 100 // total
            sys.stderr.write(f"\r  {printable(name)} {shown:3d} %")
            sys.stderr.flush()

    return show


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook models", description="The model files: list them, fetch them, verify them."
    )
    common = Parser(add_help=False)
    config = os.environ.get("ZMHOOK_CONFIG", CONFIG)
    common.add_argument(
        "-c", "--config", default=config, help="objectconfig.ini (default: %(default)s)"
    )
    common.add_argument(
        "--to", metavar="FOLDER", help="the models folder (default: <base_data_path>/models)"
    )
    common.add_argument(
        "--manifest", metavar="FILE", help="another list of models than zmhook's own"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", parents=[common], help="which there are, and which are here")
    named = Parser(add_help=False)
    named.add_argument(
        "names", nargs="*", metavar="NAME", help="default: those the configuration uses"
    )
    get = commands.add_parser("get", parents=[common, named], help="fetch and verify")
    get.add_argument(
        "--force", action="store_true", help="replace files that are not the manifest's"
    )
    commands.add_parser(
        "verify", parents=[common, named], help="compare with the manifest's checksums"
    )
    return parser
