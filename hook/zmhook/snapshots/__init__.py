"""The best snapshots that cameras send by MQTT: read, kept, found again, described."""
