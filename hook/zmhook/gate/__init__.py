"""Which detections count, and why the others do not: one module a rule (see `gate.py`)."""

from zmhook.gate.gate import LAST, RULES, Gate, ringing

__all__ = ["LAST", "RULES", "Gate", "ringing"]
