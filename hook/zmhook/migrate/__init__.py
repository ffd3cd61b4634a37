"""Older configurations → ours.

`migrate` reads an ini file of version 5 or 6 of ZoneMinder's event server hooks, or the YAML of
their successor, into plain settings (`old.py`), says them in our words (`draft.py`: the keys of
the model by name, so whatever the model has is used), and writes an `objectconfig.ini`. Nothing in
an old file is ever executed. What has no place here is listed in the result, with the reason.
"""

from zmhook.migrate.migration import Migrated, migrate

__all__ = ["Migrated", "migrate"]
