"""ZoneMinder's portal and API: events, monitors, zones and rights."""
