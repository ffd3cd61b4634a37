"""Convert an old file into the text of a new one, with notes and problems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import SettingsError
from zmhook.migrate import flat, ini, ml_sequence, ng, reasons, secretsfile
from zmhook.migrate.document import Document, settle
from zmhook.migrate.draft import ConfigLine, Draft, Lost, like, put_zones
from zmhook.migrate.flat import put_flat
from zmhook.migrate.old_config import Generation, OldConfig, is_no
from zmhook.printable import one_line
from zmhook.settings.section import Extent
from zmhook.text.redact import long_ones_masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_START_COMMAND = (
    "where ZoneMinder's EventStartCommand calls the hook, as Ng documents it, write "
    "zm_event_start.sh %EID% %MID% '' %EC% there: ZoneMinder quotes %EC% itself, and in quotes of "
    'yours ("%EC%") a cause could run commands'
)
_AREAS: tuple[Any, ...] = (Extent, Extent | None)
_BOXES = (
    "boxes in the JSON and in objects.json were in pixels of the picture reduced to {width}, here "
    "they are of the original picture"
)
_LIMIT = (
    "was in pixels of the picture reduced to {width}; of the original it is (width/{width})² as "
    "much"
)


class Migrated(NamedTuple):
    """A result. `secrets` is the text of the secrets file, None where none has to be written.

    `notes` tell what to do yet; `problems` what keeps the result from being right.
    """

    text: str
    secrets: str | None
    lost: dict[str, list[Lost]]
    notes: list[str]
    problems: list[str]
    has_plain: bool


def migrate(path: str, output: str = "", secrets: str = "") -> Migrated:
    """Convert an old file.

    `output` is where it will stand (empty: beside the old one), `secrets` the file that shall hold
    the passwords (empty: they stay where they are). Nothing is written. Raises `SettingsError`
    when a file cannot be read, `MissingPart` for YAML without PyYAML.
    """
    configs = (ng.read if ng.is_ng(path) else ini.read)(path)
    return _Migration(path, output, secrets, configs).run()


def _draft(old: OldConfig, shared: dict[str, Any]) -> Draft:
    draft = Draft()
    if old.ml is not None:
        ml_sequence.put_chain(draft, old.ml, old.generation, shared)
    if old.stream is not None:
        flat.put_stream(draft, old.stream, old)
    put_flat(draft, old)
    draft.put_rest()
    if old.generation is not Generation.FIVE:
        flat.put_usual_strategy(draft, old.generation)
    ml, frames = old.ml is not None or old.is_foreign, old.stream is not None
    flat.put_defaults(draft, old.generation, ml=ml, stream=frames)
    put_zones(draft, old)
    draft.lose_all("push:", old.push.items(), reasons.why("push"))
    draft.put_rest()
    _note_pixels(draft)
    return draft


class _Migration:
    def __init__(
        self,
        path: str,
        output: str,
        secrets: str,
        configs: list[OldConfig],
    ) -> None:
        self.path = path
        self.folder = Path(output or path).absolute().parent
        self.target = str(Path(secrets).absolute()) if secrets else ""
        self.stays = not output or self.folder == Path(path).absolute().parent
        common = configs[0]
        self.generation = common.generation
        locations = {setting.location for setting in common.flat.values()}
        shared = common.ml or {}
        own = {old.monitor: _draft(old, shared) for old in configs[1:] if old.monitor is not None}
        everywhere = _draft(common, {})
        self.document = Document(everywhere, own, locations)
        self.held = common.secrets
        self.secrets = set(self.held.values())
        self.notes: list[str] = _pixel_notes([everywhere, *own.values()])
        if self.generation is Generation.NG:
            self.notes.append(_START_COMMAND)

    def run(self) -> Migrated:
        old = self._old_secrets()
        tokens = self._tokens(old)
        self.secrets |= {*tokens.values(), *secretsfile.values_of(self.document)}
        written = (self._into_file if self.target else self._keep)(old, tokens)
        problems = settle(self.document, self._secrets_path(), written)
        if not self.target and ng.is_ng(old):
            written = None
            problems.append(f"{old}: is YAML, which is not read here: --secrets FILE writes an ini")
        self.document.conceal(self.secrets)
        return Migrated(
            self.document.text(self._header()),
            written,
            self.document.lost_by_reason(),
            [long_ones_masked(note, self.secrets) for note in self.notes],
            [long_ones_masked(problem, self.secrets) for problem in problems],
            any(secretsfile.plain(self.document)),
        )

    def _old_secrets(self) -> str:
        """Return the path of the secrets file that the old file names, empty for none."""
        entry = self.document.sections["general"].get("secrets")
        if entry is None:
            return ""
        base = self._base_path()
        named = entry.text.replace("{{base_data_path}}", base)
        return str(Path(self.path).absolute().parent / named)

    def _base_path(self) -> str:
        from zmhook.settings.general import General

        entry = self.document.sections["general"].get("base_data_path")
        return entry.text if entry else General().base_data_path

    def _into_file(self, old: str, tokens: dict[str, str]) -> str | None:
        """Return the new text of the secrets file; None if nothing changes."""
        if tokens is self.held:
            used = {token.strip().lower() for token in secretsfile.tokens(self.document)}
            self._lose_held(len(self.held.keys() - used), reasons.UNUSED_SECRETS)
        file = secretsfile.SecretsFile(self.target, tokens)
        file.take(self.document)
        self.notes += file.notes
        if not (file.is_new or Path(self.target).exists() or secretsfile.tokens(self.document)):
            self.document.sections["general"].pop("secrets", None)
            self.notes.append(f"there is no secret in {self.path}: {self.target} is not written")
            return None
        self._name_file(f"was {old}" if old and old != self.target else "")
        return file.text() if file.is_new else None

    def _name_file(self, note: str) -> None:
        """Put `secrets` first; a file in the same folder by its name alone."""
        beside = Path(self.target).parent == self.folder
        text = Path(self.target).name if beside else self.target
        general = self.document.sections["general"]
        general.pop("secrets", None)
        line = {"secrets": ConfigLine(text, one_line(note))}
        self.document.sections["general"] = {**line, **general}

    def _tokens(self, old: str) -> dict[str, str]:
        """Return the old tokens, which may be in the old file itself."""
        if not old and self.target:
            return self.held
        if not old:
            self._lose_held(len(self.held), reasons.UNNAMED_SECRETS)
            return {}
        if self.held and (self._is_itself(old) or not Path(old).exists()):
            return self.held
        self._lose_held(len(self.held), reasons.OWN_SECRETS)
        try:
            return secretsfile.read(old)
        except SettingsError as error:
            self.notes += [f"the old secrets file {problem}" for problem in error.problems]
            return {}

    def _is_itself(self, old: str) -> bool:
        return Path(old).exists() and Path(old).samefile(self.path)

    def _lose_held(self, count: int, why: str) -> None:
        if count:
            values = "1 value" if count == 1 else f"{count} values"
            self.document.lost.append(Lost("[secrets]", f"{values}, not shown", why))

    def _keep(self, old: str, tokens: dict[str, str]) -> str | None:
        """Return the text of a secrets file as INI if the old one is YAML."""
        self.notes += secretsfile.keep_plain(self.document)
        general = self.document.sections["general"]
        if old and ng.is_ng(old):
            ours = str(Path(general["secrets"].text).with_suffix(".ini"))
            general["secrets"] = ConfigLine(ours, "its tokens were in YAML, which is not read here")
            return secretsfile.as_ini(tokens)
        if tokens and tokens is self.held:
            itself = str(Path(self.path).absolute())
            general["secrets"] = ConfigLine(itself, "the old file has the secrets itself")
            self.notes.append(f"{itself} has to stay, for its secrets: --secrets FILE takes them")
            return None
        if old and not self.stays and not Path(general["secrets"].text).is_absolute():
            general["secrets"] = ConfigLine(old, "the folder of the old file")
        return None

    def _secrets_path(self) -> str:
        if self.target:
            return self.target
        entry = self.document.sections["general"].get("secrets")
        if entry is None:
            return ""
        return str(self.folder / entry.text.replace("{{base_data_path}}", self._base_path()))

    def _header(self) -> list[str]:
        made = f"Made from {self.path} ({self.generation.value}) by zmhook config migrate."
        return [
            one_line(made),
            "A key that is not here has its default: zmhook config reference shows all of them.",
            *(["What is not carried over stands at the end."] if self.document.lost else []),
        ]


def _note_pixels(draft: Draft) -> None:
    """Note at `resize` and at each area that its pixels were those of a reduced picture.

    All pixels are those of the original here, and the camera's width is not known.
    """
    if not _is_reduced(draft):
        return
    width = draft.text("resize")
    for name, text in {"resize": _BOXES, **dict.fromkeys(_pixel_limits(draft), _LIMIT)}.items():
        before = draft.entries[name]
        parts = filter(None, (before.note, text.format(width=width)))
        draft.entries[name] = ConfigLine(before.text, ", ".join(parts))


def _pixel_notes(drafts: Iterable[Draft]) -> list[str]:
    """Return notes for the console; a note for several monitors only once."""
    lines: dict[str, None] = {}
    for draft in filter(_is_reduced, drafts):
        width = draft.text("resize")
        limits = ", ".join(_pixel_limits(draft))
        more = f"; so were {limits}: (width/{width})² as much now" if limits else ""
        lines[f"resize = {width}: {_BOXES.format(width=width)}{more}"] = None
    return list(lines)


def _is_reduced(draft: Draft) -> bool:
    width = draft.text("resize")
    return bool(width) and not is_no(width)


def _pixel_limits(draft: Draft) -> Iterator[str]:
    for name, entry in list(draft.entries.items()):
        key = like(name)
        if key and key.kind in _AREAS and entry.text.removesuffix("px").strip().isdigit():
            yield name
