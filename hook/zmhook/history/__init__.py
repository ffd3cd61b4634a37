"""The history: every decision of an event, kept to look up later why a phone rang, or did not."""
