"""Model files: the `manifest` of those there are, the `store` they lie in, their `download`."""
