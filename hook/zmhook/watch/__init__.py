"""Follow ZoneMinder's events, and call the hook for each new one."""
