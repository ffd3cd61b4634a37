"""Read a Dockerfile of the kind that this repository has, and run its steps without Docker.

The steps run in a root file system of Debian (debootstrap), in a mount and process namespace of
their own: not in an image, and with the network of this machine. Raises `DockerfileError` for what
it does not know.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class DockerfileError(Exception):
    """The Dockerfile has something that this reader does not know."""


@dataclass
class Stage:
    """A stage with its steps: `(instruction, arguments)`, those of its base stages first."""

    name: str
    image: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """Return the arguments of the last such instruction."""
        return next(text for name, text in reversed(self.steps) if name == instruction)

    @property
    def command(self) -> list[str]:
        return list(json.loads(self.last("CMD")))

    @property
    def health(self) -> list[str]:
        return list(json.loads(self.last("HEALTHCHECK").partition("CMD")[2]))

    @property
    def user(self) -> str:
        return self.last("USER")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield instruction and arguments, with lines that go on joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, arguments = line.strip().partition(" ")
        if name:
            yield name.upper(), " ".join(arguments.split())


def stages(text: str) -> dict[str, Stage]:
    """Return the stages by name."""
    known: dict[str, Stage] = {}
    stage: Stage | None = None
    for name, arguments in instructions(text):
        if name == "FROM":
            image, word, own = arguments.split(" ")
            if word.upper() != "AS":
                raise DockerfileError(f"FROM {arguments}: a stage needs a name")
            base = known.get(image)
            stage = Stage(own, base.image if base else image, list(base.steps) if base else [])
            known[own] = stage
        elif stage is None:
            raise DockerfileError(f"{name} comes before FROM")
        else:
            stage.steps.append((name, arguments))
    return known


class Root:
    """A root file system in which steps and commands run."""

    def __init__(self, folder: Path, context: Path) -> None:
        self.folder, self.context = folder, context
        self.variables: dict[str, str] = {}
        self.user, self.workdir = "root", "/"

    def build(self, stage: Stage) -> None:
        """Run the steps of a stage; raises `subprocess.CalledProcessError` when one fails."""
        for name, arguments in stage.steps:
            getattr(self, f"_{name.lower()}", self._unknown)(arguments)

    def run(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.words(command), check=False, text=True, **options)

    def words(self, command: list[str]) -> list[str]:
        """Return the command as it runs in there, as the stage's user."""
        variables = [f"{name}={value}" for name, value in self._environment().items()]
        inside = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(command)}"
        switch = [f"--userspec={self.user}"] if self.user != "root" else []
        chroot = ["chroot", *switch, str(self.folder), "/usr/bin/env", "-i", *variables]
        mount = (
            f"mount -t proc proc {self.folder}/proc && mount --rbind /dev {self.folder}/dev && "
            f"exec {shlex.join([*chroot, '/bin/sh', '-c', inside])}"
        )
        # The end of the first process in there is the end of all, as in a container.
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGTERM"]
        return [*namespaces, "/bin/sh", "-c", mount]

    def _environment(self) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        # Where this machine fetches packages; a builder of images has its own way for that.
        outside = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {"PATH": path, "HOME": "/root", **outside, **self.variables}

    # -- instructions --------------------------------------------------------------------------

    def _run(self, arguments: str) -> None:
        subprocess.run(self.words(["/bin/sh", "-c", arguments]), check=True)

    def _copy(self, arguments: str) -> None:
        source, target = arguments.split(" ")
        if source != ".":
            raise DockerfileError(f"COPY {arguments}: only the whole context is copied")
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=self.context, check=True, capture_output=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.decode().split("\0")):
            file = self.folder / target.lstrip("/") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if (self.context / name).is_file():
                shutil.copy2(self.context / name, file)
        # Docker gives what it copies to root.
        subprocess.run(["chown", "-R", "root:root", self.folder / target.lstrip("/")], check=True)

    def _arg(self, arguments: str) -> None:
        name, _, value = arguments.partition("=")
        self.variables.setdefault(name, value)

    def _env(self, arguments: str) -> None:
        for word in shlex.split(arguments):
            name, _, value = word.partition("=")
            self.variables[name] = VARIABLE.sub(
                lambda match: self.variables.get(match[1] or match[2], ""), value
            )

    def _user(self, arguments: str) -> None:
        self.user = arguments

    def _workdir(self, arguments: str) -> None:
        self.workdir = arguments

    def _expose(self, arguments: str) -> None:
        int(arguments)

    def _cmd(self, arguments: str) -> None:
        json.loads(arguments)

    def _healthcheck(self, arguments: str) -> None:
        json.loads(arguments.partition("CMD")[2])

    def _unknown(self, arguments: str) -> None:
        raise DockerfileError(f"an instruction with {arguments} is not known")


def make_base(folder: Path) -> None:
    """Make a Debian 12 that is nearly as small as the image debian:bookworm-slim."""
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder], check=True)


def connect(folder: Path) -> None:
    """Let it fetch packages where this machine does: its name servers, authorities, pip.conf."""
    outside = [Path("/etc/resolv.conf"), Path("/etc/pip.conf")]
    outside += Path("/usr/local/share/ca-certificates").glob("*.crt")
    for file in outside:
        if file.is_file():
            target = folder / file.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
