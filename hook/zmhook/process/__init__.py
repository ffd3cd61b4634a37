"""Control this process: its user, environment, signals, arguments and limits."""
