"""What a user of ZoneMinder must be allowed, for each thing that is asked of it.

Verified against 1.38.4, which has rights for each monitor and roles. What a role allows does not
count for the API: a right has to stand in the user's own row.
"""

from __future__ import annotations

WHERE = "ZoneMinder's page Options, Users"
ROLES = "a role's rights do not count there"

EVENTS = f"Events: View, and not None for its monitor ({WHERE}; {ROLES})"
NOTES = f"Events: Edit, and not None for its monitor ({WHERE}; {ROLES})"
MONITOR = f"Monitors: View, and not None for this monitor ({WHERE})"
ZONES = f"Monitors: View, for all of them ({WHERE}; {ROLES})"
TAGS = f"Events: View or Snapshots: View ({WHERE}; {ROLES})"
API = f"the API enabled ({WHERE})"
"""Each follows `the user needs`."""
