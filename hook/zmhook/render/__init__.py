"""A decision as a line, as words and as an annotated picture."""
