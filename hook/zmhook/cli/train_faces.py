"""`zm_train_faces.py`: the pictures of known people → the file that detection compares with.

The exit code is 0 when everybody has a usable picture, 1 when somebody has none, 2 when nothing
could be trained, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from zmhook.cli.arguments import Parser
from zmhook.cli.output import complain, say
from zmhook.cli.unread import let_readers_go
from zmhook.errors import RightsError, SettingsError, TrainingError, ZmhookError
from zmhook.printable import one_line
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of
from zmhook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.face.pictures import KnownPicture
    from zmhook.detectors.face.store import Entries
    from zmhook.settings import Settings

TRAINED, SOMEBODY_MISSING, FAILED, INTERRUPTED = 0, 1, 2, 130
CONFIG = "/etc/zm/objectconfig.ini"
LOCK_WAIT = 60.0
"""Seconds to wait for a detection that trains; it takes half its event's deadline at most."""
SMALLEST, LARGEST = 160, 8000

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    let_readers_go()
    args = _parser().parse_args(argv)
    try:
        settings = _settings(args)
        become_owner(*folders_of(settings))
    except SettingsError as error:
        for problem in error.problems:
            _complain(str(problem))
        return FAILED
    except RightsError as error:
        _complain(str(error))
        return FAILED
    return _logged(settings, debug=args.debug)


def _logged(settings: Settings, *, debug: bool) -> int:
    from zmhook.logs import Logs

    logs = Logs(settings, None, debug=debug)
    try:
        return Training(settings).run()
    except ZmhookError as error:
        if debug:
            log.debug("where it happened", exc_info=True)
        _fail(str(error))
        return FAILED
    except KeyboardInterrupt:
        _complain("stopped; what was trained before is kept, and the next run goes on from there")
        return INTERRUPTED
    finally:
        logs.close()


class Training:
    """One run, from the folder to the exit code."""

    def __init__(self, settings: Settings) -> None:
        from zmhook.detectors.face.store import FILE

        self.settings = settings
        self.folder = Path(settings.face.known_images_path)
        self.file = self.folder / FILE

    def run(self) -> int:
        from zmhook.detectors.face.folder_lock import folder_lock
        from zmhook.detectors.face.pictures import listed, loose

        pictures = listed(self.folder)
        for name in loose(self.folder):
            say(f"{name} is passed over: put it into a folder with the person's name")
        if not pictures and not self.file.exists():
            raise TrainingError(
                f"there are no pictures in {self.folder}: make a folder there for each person,"
                " named after them, and put pictures of their face into it"
            )
        with folder_lock(self.folder, LOCK_WAIT) as mine:
            if not mine:
                raise TrainingError(f"{self.folder}: another training is still running")
            entries = self._train(pictures)
        return self._report(entries)

    def _train(self, pictures: dict[str, KnownPicture]) -> Entries:
        from zmhook.cli.train_progress import progress
        from zmhook.detectors.face.training import Trainer

        trainer = Trainer(self.settings)
        with progress(len(pictures)) as show:
            trained = trainer.train(
                self.folder,
                pictures,
                self._old(),
                same_recipe=True,
                progress=lambda picture: show(picture.path),
                save=self._write,
            )
        self._write(trained.entries)
        log.info("%s: %d pictures, %d of them new", self.folder, len(pictures), trained.looked)
        unchanged = len(pictures) - trained.looked
        say(f"{len(pictures)} pictures: {trained.looked} looked at, {unchanged} unchanged")
        say()
        return trained.entries

    def _old(self) -> Entries:
        from zmhook.detectors.face import store

        try:
            return store.read(self.file)
        except TrainingError as error:
            _complain(f"{error}; everything is trained again")
            return {}

    def _write(self, entries: Entries) -> None:
        from zmhook.detectors.face import store

        try:
            store.write(self.file, entries.values())
        except OSError as error:
            there = "; the old file stays in use" if self.file.exists() else ""
            raise TrainingError(
                f"{self.file} cannot be written: {error.strerror or error}{there}"
            ) from None

    def _report(self, entries: Entries) -> int:
        from zmhook.cli.train_table import look_alike_lines, table_lines
        from zmhook.detectors.face.pictures import person_of, without
        from zmhook.detectors.face.store import known

        faces = known(entries)
        threshold = self.settings.face.face_recog_dist_threshold
        missing = without(self.folder, entries)
        for line in [*table_lines(entries, missing), *look_alike_lines(faces, threshold)]:
            say(line)
        if not len(faces):
            _fail(f"nobody was trained: no picture in {self.folder} can be used")
            return FAILED
        people = {*(person_of(path) for path in entries), *missing}
        usable = {person_of(path) for path, entry in entries.items() if not entry.reason}
        return TRAINED if people == usable else SOMEBODY_MISSING


def _settings(args: argparse.Namespace) -> Settings:
    from msgspec import structs

    from zmhook.settings import load

    settings = load(args.config).for_monitor(None)
    if args.size is None:
        return settings
    return structs.replace(settings, face=structs.replace(settings.face, face_max_size=args.size))


def _fail(message: str) -> None:
    """Say it once: the log shows errors on stderr too."""
    log.error("%s", message)


def _complain(message: str) -> None:
    complain(message, "zm_train_faces.py")


def _size(text: str) -> int:
    if not text.isdecimal() or not SMALLEST <= int(text) <= LARGEST:
        raise argparse.ArgumentTypeError(f"expected pixels, {SMALLEST} to {LARGEST}")
    return int(text)


class _Parser(Parser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"{self.prog}: {one_line(message)} (--help shows the arguments)\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="zm_train_faces.py",
        description="Train the faces of known people: one folder of pictures per person.",
        epilog="Exit code: 0 everybody has a usable picture, 1 somebody has none, 2 failed.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    config = os.environ.get("ZMHOOK_CONFIG", CONFIG)
    add("-c", "--config", default=config, help="objectconfig.ini (default: %(default)s)")
    add(
        "-s",
        "--size",
        type=_size,
        metavar="PIXELS",
        help="longest side to reduce a picture to, in place of face_max_size (less memory)",
    )
    add("-d", "--debug", action="store_true", help="show everything on stderr")
    add("-v", "--version", action="version", version=f"zmhook {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
