"""Cameras that send snapshots: setting an Axis one up, and standing in for one."""
