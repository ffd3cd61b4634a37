"""An installed package brings a section of the configuration."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from zmhook.errors import SettingsError
from zmhook.history.provenance import fingerprint
from zmhook.migrate import migrate
from zmhook.migrate.old_config import schema
from zmhook.settings import Secret, Settings, load
from zmhook.settings.model import from_plain, secrets_of, to_plain
from zmhook.settings.plugins import with_plugins
from zmhook.settings.reference import reference
from zmhook.settings.section import Section, installed_section

CORAL = '''
from typing import Annotated, Literal
from zmhook.plugin import Fraction, Secret, Section, about


class Coral(Section, frozen=True, kw_only=True):
    """A reef of models."""

    coral_min_confidence: Annotated[Fraction, about("Below it nothing is kept.")] = 0.5
    coral_file: Annotated[str, about("The model's file.")] = "{{base_data_path}}/coral.tflite"
    coral_device: Annotated[Literal["usb", "pci"], about("Where it is plugged in.")] = "usb"
    coral_labels: Annotated[tuple[str, ...], about("Labels.", form="labels")] = ()
    coral_token: Annotated[Secret, about("A token.", form="key")] = Secret()
'''

Install = Callable[..., ModuleType]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution that brings `[coral]`, and import its module."""
    folder = tmp_path / "site-packages"
    folder.mkdir()

    def install(text: str = CORAL, section: str = "coral", value: str = "") -> None:
        module = f"reef_{tmp_path.name}".replace("-", "_")
        (folder / f"{module}.py").write_text(text)
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        points = f"[zmhook.sections]\n{section} = {value or f'{module}:Coral'}\n"
        (info / "entry_points.txt").write_text(points)
        monkeypatch.syspath_prepend(folder)
        installed_section.cache_clear()

    yield install
    installed_section.cache_clear()


def coral(settings: Settings) -> Section:
    return settings.section(installed_section("coral"))


def test_its_keys_are_read_and_typed(read, install: Install) -> None:
    install()
    text = (
        "[coral]\ncoral_min_confidence = .25\ncoral_device = PCI\ncoral_labels = Fish, Sea Star\n"
    )

    section = coral(read(text).general)

    assert (section.coral_min_confidence, section.coral_device) == (0.25, "pci")
    assert section.coral_labels == ("fish", "sea star")
    assert section.coral_file == "/var/lib/zmeventnotification/coral.tflite"


def test_a_monitor_and_the_command_line_override_them(read, install: Install) -> None:
    install()
    text = "[coral]\n[monitor-3]\ncoral_min_confidence = .75\nbase_data_path = /m3\n"

    config = read(text, "monitor-4.coral_device=pci", "coral.coral_file=/o")

    assert coral(config.general).coral_min_confidence == 0.5
    assert coral(config.for_monitor(3)).coral_min_confidence == 0.75
    assert coral(config.for_monitor(4)).coral_device == "pci"
    assert coral(config.for_monitor(3)).coral_file == "/o"


def test_a_monitor_needs_no_section_for_a_key_that_is_no_limit_of_a_label(
    read, install: Install
) -> None:
    install()

    config = read("[monitor-3]\ncoral_device = pci\n")

    assert coral(config.for_monitor(3)).coral_device == "pci"


def test_without_anything_written_the_defaults_hold(read, install: Install) -> None:
    install()

    settings = read("[general]\nbase_data_path = /data\n").general

    assert settings.plugins == {}
    assert coral(settings).coral_file == "/data/coral.tflite"


def test_our_own_sections_are_got_the_same_way() -> None:
    settings = Settings()
    assert settings.section(type(settings.yolo)) is settings.yolo


def test_what_is_wrong_is_told_as_of_our_own(problems, install: Install) -> None:
    install()
    found = problems(
        "[coral]\ncoral_min_confidence = 2\ncoral_device = isa\ncoral_divice = usb\n"
        "[yolo]\ncoral_device = usb\n[monitor-3]\ncoral_file = {{corel_device}}\n"
    )
    assert found == [
        "objectconfig.ini: [coral] coral_divice: unknown key; did you mean 'coral_device'?",
        "objectconfig.ini: [yolo] coral_device: belongs in [coral]",
        "objectconfig.ini: [coral] coral_min_confidence: '2': expected a number from 0 to 1",
        (
            "objectconfig.ini: [monitor-3] coral_file: '{{corel_device}}': {{corel_device}} names "
            "no key; did you mean 'coral_device'?"
        ),
        "objectconfig.ini: [coral] coral_device: 'isa': expected one of usb, pci",
    ]


def test_a_section_whose_package_is_gone(problems) -> None:
    assert problems("[coral]\ncoral_device = usb\n") == [
        "objectconfig.ini: [coral]: unknown section; no package that is installed here brings it"
    ]


def test_secrets_of_it_are_secrets(read, install: Install) -> None:
    install()

    settings = read(
        "[general]\nsecrets=secrets.ini\n[coral]\ncoral_token=!REEF\n",
        secrets="[secrets]\nREEF=hunter2\n",
    ).general

    assert isinstance(coral(settings).coral_token, Secret)
    assert "hunter2" in secrets_of(settings)
    assert "hunter2" not in repr(settings)


def test_the_fingerprint_tells_settings_of_it_apart(read, install: Install) -> None:
    install()
    usb, pci, again = (
        read(f"[coral]\ncoral_device={device}\ncoral_token={token}\n").general
        for device, token in [("usb", "a"), ("pci", "a"), ("usb", "b")]
    )
    assert fingerprint(usb) != fingerprint(pci)
    assert fingerprint(usb) == fingerprint(again)


def test_it_goes_to_another_process_and_is_typed_there(read, install: Install) -> None:
    install()
    settings = read("[coral]\ncoral_device=pci\ncoral_token=hunter2\n").general
    data = msgspec.msgpack.encode(to_plain(settings))
    code = (
        "import sys, msgspec\nfrom zmhook.settings.model import from_plain\n"
        "settings = from_plain(msgspec.msgpack.decode(sys.stdin.buffer.read()))\n"
        "print(settings.plugins)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip

    assert from_plain(msgspec.msgpack.decode(data)) == settings
    assert b"coral_device='pci', coral_labels=(), coral_token=***" in done.stdout


def test_settings_of_a_package_that_is_gone_meanwhile() -> None:
    with pytest.raises(SettingsError) as caught:
        from_plain({"plugins": {"coral": {"coral_device": "usb"}}})
    assert str(caught.value) == "[coral]: no installed package brings this section"


def test_keys_of_an_older_file_are_carried_over(install: Install, tmp_path: Path) -> None:
    install()
    old = tmp_path / "old.ini"
    old.write_text("[general]\ndetection_sequence=object\n[coral]\ncoral_device=pci\n")
    schema.cache_clear()
    try:
        migrated = migrate(str(old))
    finally:
        schema.cache_clear()
    assert "[coral]\ncoral_device = pci\n" in migrated.text


def test_the_reference_has_it(install: Install) -> None:
    install()
    page = reference()
    assert "## `[coral]`\n\nA reef of models.\n" in page
    assert "### `coral_device`\n\nWhere it is plugged in.\n" in page
    assert "*one of usb, pci · default: `usb`*" in page


FIELD = "    coral_device: Annotated[Literal['usb', 'pci'], about('Where it is.')] = 'usb'\n"


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("    coral_device: str = 'usb'\n", "coral_device is not described"),
        (FIELD.replace("Literal['usb', 'pci']", "dict[str, str]"), "no text stands for a value"),
        (FIELD.replace("= 'usb'", "= 'isa'"), "the default of coral_device is not allowed"),
        (FIELD.replace("pci", "PCI"), "written in lower case"),
        (FIELD.replace("coral_device", "wait"), "wait is a key of [general] already"),
        (FIELD.replace("coral_device", "version"), "version is the name of a key of older files"),
        (FIELD.replace("about(", "about('x', form='odd'), about("), "no text has the form odd"),
        (FIELD.replace(" = 'usb'", ""), "cannot be used: "),
        ("    raise ValueError('reef is broken')\n", "cannot be used: reef is broken"),
        ("    import nosuch_module\n", "cannot be used: No module named 'nosuch_module'"),
    ],
)  # fmt: skip
def test_a_section_that_is_not_right(problems, install: Install, field: str, why: str) -> None:
    install(CORAL.partition('    """')[0] + f"    '''Words.'''\n{field}")

    (found,) = problems("[coral]\n")

    assert found.startswith("objectconfig.ini: [coral]: ")
    assert why in found


@pytest.mark.parametrize("name", ["monitor-3", "secrets", "mqtt-topic-x", "Coral", "known-plates"])
def test_names_that_a_section_cannot_have(install: Install, name: str) -> None:
    install(section=name)
    assert with_plugins().flaws == {name: "cannot be used: a section cannot have this name"}


def test_ours_cannot_be_replaced(read, install: Install) -> None:
    install(section="yolo")
    assert with_plugins().flaws == {}
    assert read("[yolo]\nyolo_type = tiny\n").general.yolo.yolo_type == "tiny"


def test_what_is_no_section(problems, install: Install) -> None:
    install(value="pathlib:Path")
    (found,) = problems("[coral]\n")
    assert found == (
        "objectconfig.ini: [coral]: pathlib:Path cannot be used: "
        "it is no class that extends Section"
    )


def test_a_broken_package_hurts_nobody_who_does_not_use_it(read, install: Install) -> None:
    install("raise ValueError\n")
    assert read("[monitor-3]\nyard = 0,0 9,0 9,9\ndog_min_confidence = 0.5\n").warnings == []


def test_entry_points_are_not_read_for_what_is_ours(write, monkeypatch: pytest.MonkeyPatch) -> None:
    from zmhook import extensions

    monkeypatch.setattr(extensions, "installed", lambda _group: pytest.fail("read"))
    load(write("[yolo]\n[monitor-3]\nyard = 0,0 9,0 9,9\ndog_min_confidence = 0.5\nwait = 1\n"))
