"""What a configuration needs, tried: files that are there, and machines that answer."""
