"""Check each model: its file and checksum, and one picture through it in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from zmhook.doctor.environment import our_environment
from zmhook.doctor.files import models_here
from zmhook.doctor.finding import Check, Finding, fault, ok, unchecked, warning
from zmhook.errors import DownloadError
from zmhook.models.manifest import ModelStore, State, line_to_type, load_manifest, used
from zmhook.settings import Settings
from zmhook.settings.model import to_plain
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.doctor.patient import Patient

GROUP = "Models"
MODULE = "zmhook.cli.try_model"
SECONDS = 45.0
PAID = frozenset({"gemini"})
"""Models whose every answer costs something."""
WRONG: dict[State, str] = {
    "missing": "not there",
    "changed": "damaged (the checksum is another one)",
}
_PROCESSOR = "yolo_processor"


class Tried(Struct):
    """What `zmhook.cli.try_model --run` found.

    `ms` is the time of one picture, `labels` what was found in it, `notes` what the model has
    logged as a warning.
    """

    description: str
    ms: float | None = None
    labels: list[str] = []
    notes: list[str] = []


def checks(patient: Patient, *, paid: bool = False) -> list[Check]:
    files = KnownFiles(patient)
    planned = [Check(GROUP, "files", lambda: _files(patient, files))]
    if patient.is_broken:  # the process of a model would only read the same settings
        return [*planned, Check(GROUP, "models", _not_run)]
    known: list[tuple[str, object]] = []
    for monitor, settings in [(None, patient.settings), *sorted(patient.config.monitors.items())]:
        for name in models_here(settings):
            identity = (name, _needs(settings, name))
            if identity in known:
                continue
            is_another = any(name == other for other, _ in known)
            known.append(identity)
            title = f"{name} (monitor {monitor})" if is_another else name
            infers = paid or not costs(settings, name)
            model = ModelOfChain(name, title, settings, monitor, infers)
            planned.append(Check(GROUP, title, partial(_network, patient, model, files)))
    return planned


class ModelOfChain(NamedTuple):
    """A model as a monitor's settings have it (None: those of all); `infers`: it may be run."""

    name: str
    title: str
    settings: Settings
    monitor: int | None
    infers: bool


def _needs(settings: Settings, name: str) -> object:
    plain = to_plain(settings)
    return plain.get(name), plain["face"] if name == "gemini" else None


def costs(settings: Settings, name: str) -> bool:
    """Say whether each question costs money, or counts against a quota."""
    if name == "gemini":
        return settings.gemini.gemini_backend == "gemini"
    alpr = settings.alpr
    is_cloud = alpr.alpr_service in ("plate_recognizer", "open_alpr")
    return name == "alpr" and is_cloud and alpr.alpr_api_type != "local"


# -- files -----------------------------------------------------------------------------------------


class KnownFiles:
    """The files in use whose checksums are known, each read once. Safe for several threads."""

    def __init__(self, patient: Patient) -> None:
        self.folder = Path(patient.settings.general.base_data_path, "models")
        self._patient = patient
        self._lock = Lock()
        self._states: dict[str, dict[Path, State]] | None = None

    def states(self) -> dict[str, dict[Path, State]]:
        """Return the states of files by model; raises `DownloadError`."""
        with self._lock:
            if self._states is None:
                self._states = self._read()
            return self._states

    def _read(self) -> dict[str, dict[Path, State]]:
        store = ModelStore(self.folder)
        return {
            model.name: {store.path_of(file): store.state(file) for file in model.files}
            for model in used(load_manifest(), self._patient.config)
        }

    def explain(self, why: str) -> bool:
        """Say whether a message is about a file that is named already: missing, or damaged."""
        try:
            states = self.states()
        except DownloadError:
            return False
        files = [file for model in states.values() for file in model.items()]
        return any(state != "ok" and str(path) in why for path, state in files)


def _files(patient: Patient, files: KnownFiles) -> Iterator[Finding]:
    try:
        states = files.states()
    except DownloadError as error:
        yield fault("files", str(error), "sudo ./install.sh repairs it")
        return
    for state, what in WRONG.items():
        models = [model for model, of_model in states.items() if state in of_model.values()]
        if models:
            of_these = (file for model in models for file in states[model].items())
            paths = [path for path, its in of_these if its == state]
            line = line_to_type(" ".join(models), again=state == "changed")
            yield fault(
                "files", f"{what}: {_listed(paths, files.folder)}", patient.with_config(line)
            )
    every = [file for of_model in states.values() for file in of_model.items()]
    good = [path.name for path, state in every if state == "ok"]
    if good:
        yield ok("files", f"{', '.join(good)}: the checksum is right")


def _listed(paths: list[Path], folder: Path) -> str:
    """Return one path, or those of several within their folder."""
    if len(paths) == 1:
        return str(paths[0])
    return f"{', '.join(str(path.relative_to(folder)) for path in paths)} in {folder}"


def _not_run() -> Iterator[Finding]:
    yield unchecked("models", "not run before the settings are right")


# -- running them ----------------------------------------------------------------------------------


def _network(patient: Patient, model: ModelOfChain, files: KnownFiles) -> Iterator[Finding]:
    finding = _run(patient, model)
    if finding.state != "fault" or not files.explain(finding.text):
        yield finding


def _run(patient: Patient, model: ModelOfChain) -> Finding:
    try:
        done = subprocess.run(
            _command(patient, model), capture_output=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, timeout=SECONDS, env=our_environment(), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        text = f"gave no answer within {SECONDS:g} s"
        return fault(model.title, text, "is this machine overloaded? see: top")
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode < 0:
        text = f"the process that runs it ends by signal {-done.returncode}"
        return fault(model.title, text, "fetch the file again, or choose another model")
    if done.returncode:
        return _failed(patient, model.title, lines[-1] if lines else f"exit code {done.returncode}")
    try:
        return _judged(model, decoded(lines[-1] if lines else "", Tried))
    except Unreadable as error:
        return fault(model.title, f"its answer cannot be read ({error})")


def _command(patient: Patient, model: ModelOfChain) -> list[str]:
    command = [sys.executable, "-m", MODULE, model.name, patient.path]
    command += ["--run"] if model.infers else ["--json"]
    command += ["--monitor", str(model.monitor)] if model.monitor is not None else []
    return command + [word for override in patient.overrides for word in ("--override", override)]


def _failed(patient: Patient, title: str, why: str) -> Finding:
    if "models get" in why or "install.sh" in why:
        return fault(title, why)
    return fault(title, why, patient.command("models verify"))


def _judged(model: ModelOfChain, tried: Tried) -> Finding:
    title = model.title
    text = tried.description.removeprefix(f"{model.name}: ")
    if tried.ms is None:
        return unchecked(title, f"{text}; one question costs something", "zmhook doctor --paid")
    text = f"{text}: {tried.ms:.0f} ms a picture"
    on_processor = [note for note in tried.notes if _PROCESSOR in note]
    if on_processor and model.settings.yolo.yolo_processor == "gpu":
        return fault(title, f"{text}; {on_processor[0]}", _gpu_cure(on_processor[0]))
    if tried.notes:
        return warning(title, f"{text}; {'; '.join(tried.notes)}")
    return ok(title, text)


def _gpu_cure(note: str) -> str:
    if "OpenVINO" in note:
        return "set yolo_engine = onnxruntime, or yolo_processor = cpu"
    return (
        "nvidia-smi shows whether there is a GPU; sudo ./install.sh --yes --with yolo-gpu;"
        " or set yolo_processor = cpu"
    )
