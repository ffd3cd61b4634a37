"""Check an installation: what its configuration needs, tried, and what to type where it fails."""
