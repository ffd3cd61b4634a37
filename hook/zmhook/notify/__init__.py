"""Telling people and houses of an alarm: MQTT, a webhook, and all that Apprise knows."""
