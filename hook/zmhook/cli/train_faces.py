"""`zmhook train-faces` and `zm_train_faces.py`: train the faces of known people.

The exit code is 0 when everybody has a usable picture, 1 when somebody has none, 2 when nothing
could be trained, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook import __version__
from zmhook.cli.arguments import Parser, add_config, add_option, program
from zmhook.cli.output import complain, ignore_closed_pipes, say
from zmhook.cli.rights import advised
from zmhook.errors import RightsError, SettingsError, TrainingError, ZmhookError
from zmhook.exit_codes import INTERRUPTED
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.cli.tables import Block
    from zmhook.detectors.face.encoding import KnownFaces
    from zmhook.detectors.face.pictures import KnownPicture
    from zmhook.detectors.face.store import FaceEntries, FaceEntry
    from zmhook.settings import Config, Settings

TRAINED, SOMEBODY_MISSING, FAILED = 0, 1, 2
LOCK_WAIT = 60.0
"""Seconds to wait for a detection that trains; it takes half its event's deadline at most."""
SMALLEST, LARGEST = 160, 8000
MOST_PAIRS = 20
"""Warnings about people who look alike that are printed."""

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    ignore_closed_pipes()
    args = make_parser().parse_args(argv)
    try:
        config = _config(args)
        settings = _settings(config, args.size)
        become_owner(*folders_of(settings))
    except SettingsError as error:
        for problem in error.problems:
            _complain(str(problem))
        return FAILED
    except RightsError as error:
        _complain(str(error))
        return FAILED
    code = _logged(settings, debug=args.debug)
    if code in (TRAINED, SOMEBODY_MISSING) and (line := unused(config)):
        say(line)
    return code


def unused(config: Config) -> str:
    """Return a line where no monitor's chain recognises faces, else ""."""
    if any("face" in settings.general.models for settings in config.in_force()):
        return ""
    chain = ",".join([*config.general.general.models, "face"])
    return f"warning: these faces are not used yet: set [general] models = {chain} in {config.path}"


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
        _complain("stopped; pictures trained so far are kept, and the next run continues there")
        return INTERRUPTED
    finally:
        logs.close()


class Training:
    """One training run, from the folder to the exit code."""

    def __init__(self, settings: Settings) -> None:
        from zmhook.detectors.face.store import FILE

        self.settings = settings
        self.folder = Path(settings.face.known_images_path)
        self.file = self.folder / FILE

    def run(self) -> int:
        from zmhook.detectors.face.pictures import listed, loose
        from zmhook.detectors.face.store import folder_lock

        pictures = listed(self.folder)
        for name in loose(self.folder):
            say(f"{name}: ignored; move it to a folder with the person's name")
        if not pictures and not self.file.exists():
            raise TrainingError(
                f"{self.folder}: no pictures; create a folder there for each person, with their"
                " name, and put pictures of their face into it"
            )
        with folder_lock(self.folder, LOCK_WAIT) as mine:
            if not mine:
                raise TrainingError(f"{self.folder}: another training is still running")
            entries = self._train(pictures)
        return self._report(entries)

    def _train(self, pictures: dict[str, KnownPicture]) -> FaceEntries:
        from zmhook.cli.progress import file_progress
        from zmhook.detectors.face.training import Trainer

        trainer = Trainer(self.settings)
        with file_progress(len(pictures)) as show:
            trained = trainer.train(
                self.folder,
                pictures,
                self._old(),
                same_recipe=True,
                progress=lambda picture: show(picture.path),
                save=self._write,
            )
        self._write(trained.entries)
        log.info("%s: %d pictures, %d of them new", self.folder, len(pictures), trained.examined)
        encoded, rejected = trained.encoded, trained.rejected
        unchanged = len(pictures) - encoded - rejected
        counts = f"{encoded} trained, {rejected} rejected, {unchanged} unchanged"
        say(f"{len(pictures)} pictures: {counts}")
        say()
        return trained.entries

    def _old(self) -> FaceEntries:
        from zmhook.detectors.face import store

        try:
            return store.read(self.file)
        except TrainingError as error:
            _complain(f"{error}; training all pictures again")
            return {}

    def _write(self, entries: FaceEntries) -> None:
        from zmhook.detectors.face import store

        try:
            store.write(self.file, entries.values())
        except OSError as error:
            there = "; the old file stays in use" if self.file.exists() else ""
            raise TrainingError(
                f"{self.file} cannot be written: {error.strerror or error}{there}"
            ) from None

    def _report(self, entries: FaceEntries) -> int:
        from zmhook.cli.tables import show
        from zmhook.detectors.face.pictures import person_of, without
        from zmhook.detectors.face.store import known

        faces = known(entries)
        threshold = self.settings.face.face_recog_dist_threshold
        missing = without(self.folder, entries)
        show([*summary(entries, missing), *look_alike_lines(faces, threshold)], sys.stdout)
        if not len(faces):
            _fail(f"{self.folder}: no picture can be used, so nobody was trained")
            return FAILED
        people = {*(person_of(path) for path in entries), *missing}
        usable = {person_of(path) for path, entry in entries.items() if not entry.reason}
        return TRAINED if people == usable else SOMEBODY_MISSING


def _config(args: argparse.Namespace) -> Config:
    from zmhook.settings import load

    return load(args.config).apply()


def _settings(config: Config, size: int | None) -> Settings:
    from msgspec import structs

    settings = config.for_monitor(None)
    if size is None:
        return settings
    return structs.replace(settings, face=structs.replace(settings.face, face_max_size=size))


def _fail(message: str) -> None:
    """Log it: the log shows errors on stderr too."""
    log.error("%s", message)


def _complain(message: str) -> None:
    complain(advised(message), program("train-faces", "zm_train_faces.py"))


def _size(text: str) -> int:
    if not text.isdecimal() or not SMALLEST <= int(text) <= LARGEST:
        raise argparse.ArgumentTypeError(f"expected pixels, {SMALLEST} to {LARGEST}")
    return int(text)


def make_parser() -> Parser:
    name = program("train-faces", "zm_train_faces.py")
    parser = Parser(
        prog=name,
        description="Train the faces of known people: one folder of pictures per person, below"
        " known_images_path.",
        examples=[name],
        epilog="Exit code: 0 everybody has a usable picture, 1 somebody has none, 2 failed.",
        allow_abbrev=False,
    )
    add_config(parser)
    add = parser.add_argument
    add_option(
        parser,
        "--size",
        hidden=["-s"],  # elsewhere -s is a store of snapshots
        type=_size,
        metavar="PIXELS",
        help="reduce pictures to this longest side, instead of face_max_size (saves memory)",
    )
    add("-d", "--debug", action="store_true", help="log everything to stderr")
    add("-v", "--version", action="version", version=f"zmhook {__version__}")
    return parser


# -- summary ---------------------------------------------------------------------------------------


def summary(entries: Mapping[str, FaceEntry], missing: Sequence[str] = ()) -> Iterator[Block]:
    """Yield a table of people, those without pictures (`missing`), the rejected pictures."""
    from zmhook.cli.tables import Table
    from zmhook.detectors.face.pictures import person_of

    used, rejected = Counter[str](), Counter[str]()
    for path, entry in entries.items():
        (rejected if entry.reason else used)[person_of(path)] += 1
    people = sorted({*used, *rejected, *missing})
    rows = [(person, str(used[person]), str(rejected[person])) for person in people]
    head = ("person", "pictures used", "rejected")
    yield Table("People", head, rows, frozenset({1, 2}), wrapped=frozenset({0}))
    if missing:
        yield ""
        yield from (f"{person}: no pictures; put some into that folder" for person in missing)
    reasons = [(path, entry.reason) for path, entry in sorted(entries.items()) if entry.reason]
    if reasons:
        yield Table("Rejected", ("picture", "reason"), reasons, wrapped=frozenset({0, 1}))


def look_alike_lines(known: KnownFaces, threshold: float) -> list[str]:
    """Return a warning for each two people whose pictures are closer than the threshold."""
    from zmhook.detectors.face.encoding import lookalikes
    from zmhook.text.numbers import apart, exact

    pairs = lookalikes(known, threshold)
    lines = [
        f"warning: {pair.person} and {pair.other} look alike to the model:"
        f" {pair.picture} and {pair.other_picture} are {apart(pair.distance, threshold)} apart"
        f" (face_recog_dist_threshold is {exact(threshold)})"
        for pair in pairs[:MOST_PAIRS]
    ]
    if len(pairs) > MOST_PAIRS:
        lines.append(f"warning: and {len(pairs) - MOST_PAIRS} more pairs of people look alike")
    return ["", *lines] if lines else []


if __name__ == "__main__":
    sys.exit(main())
