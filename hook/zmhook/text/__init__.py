"""Text and numbers: made printable, matched, parsed within bounds."""
