"""Exit codes of the hook and of zmhook's commands."""

DETECTED, NOTHING, UNDECIDED = 0, 1, 2
"""Of the hook, for callers: something was detected, nothing was, or no decision could be made."""

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Of all other commands; `MISUSED` is what argparse ends with, `INTERRUPTED` what Ctrl-C does."""
