"""`zmhook models`: list, download, verify and fit model files."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zmhook.cli.arguments import Parser, add_config, add_json
from zmhook.cli.output import complain, say, say_json
from zmhook.cli.progress import byte_progress
from zmhook.cli.rights import advised
from zmhook.errors import DetectorError, DownloadError, RightsError
from zmhook.models.manifest import (
    BUILT_IN,
    Manifest,
    ManifestFile,
    Model,
    ModelStore,
    load_manifest,
    used,
)
from zmhook.process.privilege import become_owner, name_of
from zmhook.storage.disk import existing, trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.settings import Config, Yolo

BY_HAND = "download it elsewhere and copy it to {path}"
INSTEAD = "hog needs no file"


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    if args.action == "fit":
        return _fit(args)
    manifest = load_manifest(args.manifest)
    config = _config(args.config, needed=not args.to)
    store = ModelStore(args.to or Path(_base(config), "models"))
    become_owner(store.folder)
    if args.action == "list":
        return _list(manifest, store, config, as_json=args.json)
    models = _chosen(manifest, args.names, config)
    if args.action == "verify":
        return _verify(models, store)
    return _get(models, store, config, force=args.force)


def _config(path: str, *, needed: bool) -> Config | None:
    """Read the configuration, which may be missing when --to names the folder."""
    from zmhook.settings import load_without_secrets

    if not needed and not Path(path).exists():
        return None
    config = load_without_secrets(path).apply()
    if config.path == os.devnull:
        complain(config.warnings[0])
    return config


def _base(config: Config | None) -> str:
    from zmhook.settings import General

    return (config.general.general if config else General()).base_data_path


def _chosen(manifest: Manifest, names: list[str], config: Config | None) -> list[Model]:
    if names:
        return manifest.pick(names)
    if config is None:
        raise DownloadError("name the models: there is no configuration that lists them")
    return used(manifest, config)


# -- list ----------------------------------------------------------------------------------------


def _list(manifest: Manifest, store: ModelStore, config: Config | None, *, as_json: bool) -> int:
    in_use = used(manifest, config) if config else []
    files: list[dict[str, Any]] = [
        {
            "name": model.name,
            "used": model in in_use,
            "state": store.state_of(model),
            "bytes": model.size,
            "description": model.description,
            "licence": model.licence,
        }
        for model in manifest.models
    ]
    if as_json:
        say_json(files)
        return 0
    from zmhook.cli.tables import Table, show

    rows = [
        (
            row["name"],
            "yes" if row["used"] else "",
            row["state"],
            _megabytes(row["bytes"]),
            row["description"],
            row["licence"],
        )
        for row in files
    ]
    rows += [(name, "", "built in", "", text, "") for name, text in BUILT_IN.items()]
    head = ("model", "used", "state", "size", "description", "licence")
    table = Table(
        f"Model files in {store.folder}", head, rows, frozenset({3}), (), frozenset({4, 5})
    )
    show([table], sys.stdout)
    if in_use:
        say()
        say("sudo zmhook models get downloads the used models that are missing.")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


# -- verify --------------------------------------------------------------------------------------


def _verify(models: list[Model], store: ModelStore) -> int:
    wrong = 0
    for file in (file for model in models for file in model.files):
        state = store.state(file)
        wrong += state != "ok"
        say(f"{state:<8} {store.path_of(file)}")
    if not models:
        say("The configuration uses no model file with a known checksum: your own are not checked.")
    return 1 if wrong else 0


# -- get -----------------------------------------------------------------------------------------


def _get(models: list[Model], store: ModelStore, config: Config | None, *, force: bool) -> int:
    if not models:
        say("Nothing to download: the configuration uses no model file from this list.")
    _check_rights(models, store)
    failed = 0
    for model in models:
        say(f"{model.name}: {model.description}. Licence: {model.licence}, {model.licence_url}")
        try:
            for file in model.files:
                _get_file(file, model, store, force=force)
        except DownloadError as error:
            failed += 1
            complain(advised(error))
        else:
            _say_settings(model, config)
    return 1 if failed else 0


def _check_rights(models: list[Model], store: ModelStore) -> None:
    """Raise `RightsError` where a file that is missing could not be kept: it may be a large one."""
    for file in (file for model in models for file in model.files):
        folder = existing(store.path_of(file).parent)
        if not os.access(folder, os.W_OK | os.X_OK) and store.state(file) != "ok":
            raise RightsError(f"{folder}: {_why_not(folder)}")


def _why_not(folder: Path) -> str:
    me, owner = name_of(os.geteuid()), name_of(folder.stat().st_uid)
    if me == owner:
        return f"its own user {me} may not write to it: sudo chmod u+rwx {folder}"
    return f"permission denied: {me} may not write to it, {owner} may"


def _get_file(file: ManifestFile, model: Model, store: ModelStore, *, force: bool) -> None:
    from zmhook.models.download import download

    path = store.path_of(file)
    state = store.state(file)
    if state == "ok":
        say(f"  {path}: already there, verified")
        return
    if state == "changed" and not force:
        raise DownloadError(f"{path}: exists with other content; --force replaces it")
    try:
        with byte_progress(path.name) as progress:
            download(file, path, progress)
    except DownloadError as error:
        raise DownloadError(f"{error}; {_by_hand(model, path)}") from None
    say(f"  {path}: downloaded, verified")


def _by_hand(model: Model, path: Path) -> str:
    advice = BY_HAND.format(path=path)
    # What no setting names is in no chain: a photograph for tests, say.
    return f"{advice}; {INSTEAD}" if model.settings else advice


def _say_settings(model: Model, config: Config | None) -> None:
    """Print the settings that the configuration still needs for this model."""
    base = _base(config)
    for setting, path in model.settings.items():
        section, key = setting.split(".")
        now = getattr(getattr(config.general, section), key) if config else None
        if now != str(Path(base, "models", path)):
            say(f"  to use it: [{section}] {key} = {{{{base_data_path}}}}/models/{path}")


# -- fit -----------------------------------------------------------------------------------------


def _fit(args: argparse.Namespace) -> int:
    from zmhook.detectors.yolo.fitted_files import folder_of

    config = _config(args.config, needed=True)
    if config is None:
        return 1
    folder = folder_of(config.general.general)
    become_owner(folder.parent)
    networks = _networks(config, only_in_use=args.needed)
    if not networks:
        say("Nothing to fit: no chain of this configuration runs yolo on this machine.")
    failed = [_fit_network(settings, folder, args) for settings in networks]
    if networks and not any(settings.yolo_fit for settings in networks):
        say("to use them: [yolo] yolo_fit = yes")
    return 1 if any(failed) else 0


def _networks(config: Config, *, only_in_use: bool) -> list[Yolo]:
    """Return the settings of each network once, whatever else monitors set."""
    unique: dict[tuple[str, ...], Yolo] = {}
    for settings in config.in_force():
        yolo = settings.yolo
        is_here = "yolo" in settings.general.models and not settings.remote.ml_gateway
        if is_here and (yolo.yolo_fit or not only_in_use):
            key = (yolo.yolo_type, yolo.weights, yolo.tiny_weights, yolo.yolo_head)
            unique.setdefault(key, yolo)
    return list(unique.values())


def _fit_network(settings: Yolo, folder: Path, args: argparse.Namespace) -> bool:
    """Say what became of each size; return whether one failed."""
    from zmhook.detectors.model_files import yolo_files
    from zmhook.detectors.yolo.fitting import fit

    name = yolo_files(settings).weights.path
    failed = False
    try:
        outcomes = fit(settings, folder, args.picture, again=args.again, only_needed=args.needed)
        for outcome in outcomes:
            failed |= outcome.state == "failed"
            say(f"{name}: {outcome}")
    except DetectorError as error:
        complain(str(error))
        return True
    except OSError as error:
        complain(trouble(error, folder))
        return True
    return failed


def _picture(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match or "0" in match.groups():
        raise argparse.ArgumentTypeError(f"'{text}' is no size such as 1920x1080")
    return int(match[1]), int(match[2])


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook models",
        description="List, download, verify and fit model files.",
        examples=["zmhook models list", "sudo zmhook models get yolox_s"],
    )
    common = Parser(add_help=False)
    add_config(common)
    common.add_argument(
        "--to", metavar="FOLDER", help="models folder (default: <base_data_path>/models)"
    )
    common.add_argument(
        "--manifest", metavar="FILE", help="list of models to use instead of zmhook's own"
    )
    names = Parser(add_help=False)
    names.add_argument(
        "names", nargs="*", metavar="NAME", help="default: the models that the configuration uses"
    )
    listing = parser.add_command(
        "list",
        "list known models and whether they are installed",
        parents=[common],
        examples=["zmhook models list"],
    )
    add_json(listing)
    get = parser.add_command(
        "get",
        "download models and verify them",
        parents=[common, names],
        examples=["sudo zmhook models get", "zmhook models get yolox_s --to /tmp/models"],
    )
    get.add_argument("--force", action="store_true", help="replace files with other content")
    parser.add_command(
        "verify",
        "compare the installed files with their checksums",
        parents=[common, names],
        examples=["zmhook models verify"],
    )
    fit = parser.add_command(
        "fit",
        "make versions of the YOLO network for the aspects of pictures",
        description="Make versions of the YOLO network whose input has the aspect of the pictures,"
        " so that no time is spent on padding. Each is compared with the network itself on a"
        " built-in picture, and kept only if both detect the same.",
        examples=["zmhook models fit", "zmhook models fit --picture 2560x1920"],
        epilog="[yolo] yolo_fit = yes uses them. The background service makes those that it needs"
        " by itself.",
    )
    add_config(fit)
    fit.add_argument(
        "--picture",
        type=_picture,
        action="append",
        metavar="SIZE",
        help="size of a camera's picture, such as 1920x1080; may be repeated (default: those"
        " that came since yolo_fit = yes, or 16:9 and 4:3)",
    )
    fit.add_argument("--again", action="store_true", help="also make what is there or was refused")
    fit.add_argument("--needed", action="store_true", help=argparse.SUPPRESS)
    return parser
