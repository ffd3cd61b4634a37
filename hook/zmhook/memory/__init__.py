"""What is remembered from event to event: SQLite files below `state_path`."""
