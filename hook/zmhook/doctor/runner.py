"""Run all checks at once, each within its time, and return what they find in their order."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.doctor.finding import Check, Finding, fault
from zmhook.errors import SettingsError, ZmhookError
from zmhook.printable import one_line
from zmhook.settings.model import without_secrets
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.settings import Settings

SECONDS = 60.0
"""That all checks together may take; what hangs then is given up."""
LONGEST = 500
"""Characters of a finding's text."""


class _Running:
    """A check in a thread of its own, and what it has found so far."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.findings: list[Finding] = []
        self.seconds = 0.0
        self.ended = Event()
        Thread(target=self._run, name=f"doctor {check.name}", daemon=True).start()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            for finding in self.check.run():
                self.findings.append(finding)
        except SettingsError as error:
            self._failed("; ".join(map(str, error.problems)))
        except ZmhookError as error:
            self._failed(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a broken check must not hide the others
            self._failed(unexpected(error))
        finally:
            self.seconds = round(time.monotonic() - began, 3)
            self.ended.set()

    def _failed(self, why: str) -> None:
        self.findings.append(fault(self.check.name, why))


def run(
    checks: Sequence[Check], settings: Sequence[Settings], seconds: float = SECONDS
) -> Iterator[Finding]:
    """Yield the findings, without the secrets of the settings. Raises nothing."""
    end = time.monotonic() + seconds
    running = [_Running(check) for check in checks]
    for each in running:
        has_ended = each.ended.wait(max(0.0, end - time.monotonic()))
        findings = list(each.findings)
        if not has_ended:
            text = f"took more than {seconds:g} s and was given up"
            findings.append(fault(each.check.name, text, "is the machine, or the network, slow?"))
        took = each.seconds if has_ended else seconds
        for finding in findings:
            yield _clean(finding, each.check.group, took, settings)


def _clean(finding: Finding, group: str, seconds: float, settings: Sequence[Settings]) -> Finding:
    return structs.replace(
        finding,
        group=group,
        seconds=seconds,
        name=_line(finding.name, settings),
        text=_line(finding.text, settings),
        cure=_line(finding.cure, settings),
    )


def _line(text: str, settings: Sequence[Settings]) -> str:
    # Masked before and after shortening, which may cut a secret in two.
    return without_secrets(one_line(without_secrets(text, settings), LONGEST), settings)
