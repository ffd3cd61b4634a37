"""The secrets that settings hold, to be masked in text that is shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from zmhook.settings.keys import keys
from zmhook.settings.values import Secret
from zmhook.text.redact import long_ones_masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zmhook.settings.model import Settings


def secrets_of(settings: Settings) -> Iterator[str]:
    """Yield every secret setting, and each part of one that is a list."""
    secrets = [getattr(getattr(settings, section), name) for section, name in _secret_keys()]
    for section in settings.plugins.values():
        values = (getattr(section, name) for name in section.__struct_fields__)
        secrets += [value for value in values if isinstance(value, Secret)]
    for secret in secrets:
        yield secret.reveal()
        yield from secret.reveal().split()


def secrets_of_all(settings: Iterable[Settings]) -> Iterator[str]:
    """Yield the secrets of several settings, such as those of all monitors."""
    for each in settings:
        yield from secrets_of(each)


def without_secrets(text: str, settings: Iterable[Settings]) -> str:
    """Mask each secret of the settings in a text, but for very short ones."""
    return long_ones_masked(text, secrets_of_all(settings))


@lru_cache(1)
def _secret_keys() -> tuple[tuple[str, str], ...]:
    return tuple((key.section, key.name) for key in keys().values() if key.is_secret)
