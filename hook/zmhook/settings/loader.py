"""Load typed `Settings` from `objectconfig.ini`, its secrets file and overrides.

Earlier sources win: an override (`-O section.key=value`), the `[monitor-N]` section, the key's own
section, the default. An empty value is the default. Then `!TOKEN` is looked up in the secrets file
and `{{key}}` is replaced. All problems are collected and reported at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from zmhook import CONFIG
from zmhook.errors import Problem, SettingsError
from zmhook.process import environment
from zmhook.process.privilege import become_owner_of_settings
from zmhook.settings import forms, inifile
from zmhook.settings.expand import CannotExpand, Expander, Secrets, readable_by_all
from zmhook.settings.gate import LabelLimits, ZoneRule
from zmhook.settings.gemini import Prompt
from zmhook.settings.keys import (
    MIGRATE,
    Key,
    Schema,
    built_in,
    is_of_version_6,
    named_key,
    topic_keys,
)
from zmhook.settings.layers import OVERRIDE, Layers, RawValue
from zmhook.settings.model import SECTIONS, Settings, secrets_of_all
from zmhook.settings.mqtt import Topic
from zmhook.text import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zmhook.settings.section import Secret, Zone

_LONGEST_SHOWN = 80
_NO_FILE = "there is no such file: install.sh creates one in /etc/zm, and -c names another"


class Config:
    """A valid configuration: the settings of all monitors and of each."""

    def __init__(
        self, path: str, general: Settings, monitors: dict[int, Settings], warnings: list[str]
    ) -> None:
        self.path = path
        self.general = general
        self.monitors = monitors
        self.warnings = warnings

    def for_monitor(self, monitor_id: int | None) -> Settings:
        if monitor_id is None:
            return self.general
        return self.monitors.get(monitor_id, self.general)

    def in_force(self) -> list[Settings]:
        """Return the settings of all monitors, and of each."""
        return [self.general, *self.monitors.values()]

    def apply(self) -> Config:
        """Set this process's time zone and environment as the settings say; return itself."""
        variables = self.general.service.service_environment.reveal()
        environment.apply_settings(self.general.general.time_zone, variables)
        return self


def load(
    path: str | os.PathLike[str],
    overrides: Iterable[str] = (),
    *,
    step_down: bool = True,
    secrets_needed: bool = True,
) -> Config:
    """Read a configuration file.

    `overrides` are `section.key=value` texts, of which a later one wins. Raises `SettingsError`
    with every problem found; its `config` has what could be read.

    Root becomes the owner of the file, and of its secrets file, before it reads it; not without
    `step_down`, for a caller that does nothing of what it says. Raises `RightsError` where that
    cannot be.

    A secrets file that this account may not read is an error, unless `secrets_needed` is false:
    then what it holds is left empty.

    Nothing of it holds for this process before `Config.apply`, but that its secrets are masked.
    """
    loader = _Loader(os.fspath(path), step_down=step_down, secrets_needed=secrets_needed)
    return loader.load(overrides)


def load_without_secrets(path: str, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration for what needs no secret, as far as this account may.

    Where there is none at the usual path, or none for this account, the defaults hold; `warnings`
    says so first.
    """
    if path != CONFIG or inifile.may_be_read(path):
        return load(path, overrides, secrets_needed=False)
    why = "you may not read it" if os.path.lexists(path) else "there is no such file"
    config = load(os.devnull, overrides)
    config.warnings.insert(0, f"{path}: {why}, so the default settings are used")
    return config


class _Loader:
    def __init__(self, path: str, *, step_down: bool, secrets_needed: bool) -> None:
        self.path = path
        self.step_down = step_down
        self.secrets_needed = secrets_needed
        self.problems: list[Problem] = []
        self.secrets = Secrets()
        self.schema = built_in()
        self._values: dict[tuple[str, str], Any] = {}
        self._flaws: list[str] = []
        self._plain: list[str] = []

    def load(self, overrides: Iterable[str]) -> Config:
        if self.step_down:
            become_owner_of_settings(self.path)
        written, overriding = self._layers(self._sections(), list(overrides))
        self.problems += written.problems + overriding.problems
        self._read_secrets({**written.layer(None).keys, **overriding.layer(None).keys})
        warnings = [*written.warnings(), *overriding.warnings(), *self.secrets.warnings()]
        config = self._config(written, overriding, warnings)
        config.warnings += dict.fromkeys(self._flaws)
        config.warnings += self._open_to_others()
        redact.know(lambda: secrets_of_all(config.in_force()))
        if self.problems:
            raise SettingsError(list(dict.fromkeys(self.problems)), config)
        return config

    def _layers(
        self, sections: inifile.Sections, overrides: Sequence[str]
    ) -> tuple[Layers, Layers]:
        """Sort all entries; with the sections of installed packages if something is unknown."""
        layers = _sorted(self.path, sections, overrides, self.schema)
        if any(layer.is_unknown for layer in layers):
            from zmhook.settings.plugins import with_plugins

            self.schema = with_plugins()
            layers = _sorted(self.path, sections, overrides, self.schema)
        return layers

    def _open_to_others(self) -> list[str]:
        """Warn of a file with secrets that every user may read."""
        if not self._plain or not readable_by_all(self.path):
            return []
        names = ", ".join(dict.fromkeys(self._plain))
        open_ = f"{self.path}: every user of this machine can read it, and it holds {names}"
        return [f"{open_}: chmod o-r, or write !TOKEN and the value into the secrets file"]

    def _sections(self) -> inifile.Sections:
        try:
            sections, marked = inifile.read_marked(self.path)
        except SettingsError as error:
            is_yaml = inifile.looks_like_yaml(self.path)
            yaml = [Problem(self.path, "", "", f"is YAML, as Ng has it: {MIGRATE}")]
            gone = [Problem(self.path, "", "", _NO_FILE)]
            is_gone = not os.path.lexists(self.path) and not inifile.is_denied(self.path)
            self.problems += yaml if is_yaml else gone if is_gone else error.problems
            return {}
        if marked:
            from zmhook.settings.hints import cut_off

            self.problems += [cut_off(self.path, value) for value in marked]
        if is_of_version_6(sections):
            self.problems.append(Problem(self.path, "", "", f"is of version 6: {MIGRATE}"))
        if held := [name for name in sections if name.lower() == "secrets" and sections[name]]:
            self._plain += [f"[{name}]" for name in held]
        return sections

    def _read_secrets(self, entries: Mapping[str, RawValue]) -> None:
        entry = entries.get("secrets")
        if not (entry and entry.text):
            return
        try:
            path = Expander(entries, self.secrets, self.schema).value("secrets", entry.text)
        except ValueError as error:
            self.problems.append(entry.problem(f"{_shown(entry.text)}: {error}"))
            return
        file = os.path.join(os.path.dirname(self.path), path)  # noqa: PTH118, PTH120 - start-up time
        if self.step_down:
            become_owner_of_settings(file)
        self.secrets = Secrets(file)
        if self.secrets.error and (self.secrets_needed or not inifile.is_denied(file)):
            self.problems += self.secrets.error.problems

    def _config(self, written: Layers, overriding: Layers, warnings: list[str]) -> Config:
        monitors = {
            number: self._settings(written, overriding, number)
            for number in {**written.monitors, **overriding.monitors}
            if number is not None
        }
        return Config(self.path, self._settings(written, overriding, None), monitors, warnings)

    def _settings(self, written: Layers, overriding: Layers, monitor: int | None) -> Settings:
        order = [
            written.layer(None),
            written.layer(monitor),
            overriding.layer(None),
            overriding.layer(monitor),
        ]
        entries = {name: entry for layer in order for name, entry in layer.keys.items()}
        zones = {name: entry for layer in order for name, entry in layer.zones.items()}
        expander = Expander(entries, self.secrets, self.schema)
        fields: dict[str, dict[str, Any]] = {section: {} for section in self.schema.sections}
        for key in self.schema.keys.values():
            fields[key.section][key.name] = self._value(key, entries.get(key.name), expander)
        sections: dict[str, Any] = {
            name: section(**fields[name]) for name, section in self.schema.sections.items()
        }
        return Settings(
            **{name: sections.pop(name) for name in SECTIONS},
            plugins=sections,
            topics=self._topics([written.topics, overriding.topics], expander),
            prompts=self._prompts({**written.prompts, **overriding.prompts}),
            plates={
                plate.upper(): entry.text
                for plate, entry in {**written.plates, **overriding.plates}.items()
            },
            zones=self._zones(zones.values()),
            labels=self._named(LabelLimits, [layer.labels for layer in order]),
            zone_rules=self._named(ZoneRule, [layer.zone_rules for layer in order]),
        )

    def _named(
        self, kind: type[Any], layers: list[dict[tuple[str, str], RawValue]]
    ) -> dict[str, Any]:
        """Return the limits of each label, or the patterns of each zone, by name."""
        values: dict[str, dict[str, Any]] = {}
        entries = {
            name_and_field: entry
            for layer in layers
            for name_and_field, entry in layer.items()
            if entry.text
        }
        expander = Expander({}, self.secrets, self.schema)
        for (name, field), entry in entries.items():
            values.setdefault(name, {})[field] = self._value(named_key(field), entry, expander)
        return {name: kind(**fields) for name, fields in values.items()}

    def _topics(
        self, layers: list[dict[str, dict[str, RawValue]]], expander: Expander
    ) -> tuple[Topic, ...]:
        topics: list[Topic] = []
        for name in dict.fromkeys(name for layer in layers for name in layer):
            entries = {key: entry for layer in layers for key, entry in layer.get(name, {}).items()}
            own = {
                key.name: self._value(key, entries.get(key.name), expander)
                for key in topic_keys().values()
            }
            topic = Topic(**{**own, "name": name, "camera": own["camera"] or name})
            section = next((entry.section for entry in entries.values()), f"mqtt-topic-{name}")
            entry = entries.get("topic") or RawValue(self.path, section, "topic", "")
            problem = _problem(topic, topics) if topic.topic or not entry.text else ""
            if problem:
                self.problems.append(entry.problem(problem))
            topics.append(topic)
        return tuple(topics)

    def _prompts(self, entries: Mapping[str, RawValue]) -> tuple[Prompt, ...]:
        return tuple(
            Prompt(labels=forms.read_labels(label), text=" ".join(entry.text.split()))
            for label, entry in entries.items()
            if entry.text
        )

    def _value(self, key: Key, entry: RawValue | None, expander: Expander) -> Any:
        text = (entry and entry.text) or key.template
        if not text:
            return key.default
        try:
            _check_lines(key, text)
            value = self._read(key, expander.value(key.name, text))
        except ValueError as error:
            # A default fails only for a key that it is made from, which has its own problem.
            if entry and not (self.secrets.error and text.startswith("!")):
                self.problems.append(entry.problem(_bad_value(key, text, error)))
            return self._plain_default(key)
        if key.is_secret and entry:
            self._check_secret(key, entry, value)
            if entry.file == self.path and entry.text and not entry.text.startswith("!"):
                self._plain.append(f"[{entry.section}] {entry.key}")
        return value

    def _check_secret(self, key: Key, entry: RawValue, value: Secret) -> None:
        """Warn of a secret with odd characters; it is accepted nevertheless."""
        from zmhook.settings.section import flaw_of_key, flaw_of_password

        is_key = key.form == "key"
        flaw_of = flaw_of_key if is_key else flaw_of_password
        flaw = flaw_of(value.reveal().strip())
        if flaw:
            more = "which no key has" if is_key else "which nobody sees: is it meant?"
            self._flaws.append(str(entry.problem(f"{flaw}, {more}")))

    def _read(self, key: Key, text: str) -> Any:
        """Read each text of a key only once, however many monitors have it."""
        if not text:
            return self._plain_default(key)
        name_and_text = (key.name, text)
        if name_and_text not in self._values:
            _check_lines(key, text)
            self._values[name_and_text] = key.read(text)
        return self._values[name_and_text]

    def _plain_default(self, key: Key) -> Any:
        """Return a default with the defaults of the keys that it refers to."""
        if key.template is None:
            return key.default
        try:
            return Expander({}, self.secrets, self.schema).value(key.name, key.template)
        except CannotExpand:
            return key.default

    def _zones(self, entries: Iterable[RawValue]) -> tuple[Zone, ...]:
        zones = []
        for entry in entries:
            try:
                zones.append(forms.read_polygon(entry.key, entry.text))
            except ValueError as error:
                self.problems.append(entry.problem(f"{_shown(entry.text)}: {error}"))
        return tuple(zones)


def _sorted(
    path: str, sections: inifile.Sections, overrides: Iterable[str], schema: Schema
) -> tuple[Layers, Layers]:
    """Return the layers of the file and those of the command line."""
    written, overriding = Layers(path, schema), Layers(OVERRIDE, schema)
    for section, entries in sections.items():
        written.add_section(section, entries)
    for text in overrides:
        overriding.add_override(text)
    return written, overriding


def _check_lines(key: Key, text: str) -> None:
    if "\n" in text and not key.is_list:
        raise forms.InvalidValue(
            "on one line; a line that begins with a space continues the one above"
        )


def _bad_value(key: Key, text: str, error: ValueError) -> str:
    """Say what is allowed, and show the value unless it is a secret."""
    from zmhook.settings.hints import allowed, where_login_belongs

    hidden = key.is_secret or (key.form in ("address", "addresses") and "@" in text)
    shown = "" if hidden else f"{_shown(text)}: "
    if isinstance(error, CannotExpand):
        return f"{shown}{error}"
    detail = f" ({error})" if isinstance(error, forms.InvalidValue) else ""
    if isinstance(error, forms.LoginInAddress):
        detail = f", {error}{where_login_belongs(key)}"
    return f"{shown}expected {allowed(key)}{detail}"


def _shown(text: str) -> str:
    """Show the first line only: the next may be an indented `password = …`.

    Nor is what may be a secret in the place of another value shown; `!TOKEN` is only its name.
    """
    first, *more = text.split("\n")
    if not first.startswith("!") and redact.may_be_secret(first):
        return redact.HIDDEN
    short = first[:_LONGEST_SHOWN].rstrip()
    return f"'{short}…'" if more or len(first) > len(short) else f"'{short}'"


def _problem(topic: Topic, others: list[Topic]) -> str:
    """Return the problem of a topic beside those before it; empty if there is none."""
    if not topic.topic:
        return "is missing"
    address = topic.topic, topic.channel
    same = next((other.name for other in others if (other.topic, other.channel) == address), None)
    return f"is that of [mqtt-topic-{same}], too: only channel can tell them apart" if same else ""
