"""This process: its user, environment, signals, arguments and end."""
