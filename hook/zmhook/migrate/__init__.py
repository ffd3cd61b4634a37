"""Convert configurations of older programs.

`migrate` reads an ini file of version 5 or 6 of ZoneMinder's event server hooks, or the YAML of
their successor, into plain settings (`old_config.py`), maps them to the keys of the model
(`draft.py`), and writes an `objectconfig.ini`. Nothing in an old file is ever executed. The result
lists what could not be carried over, with the reason.
"""

from zmhook.migrate.migration import Migrated, migrate

__all__ = ["Migrated", "migrate"]
