"""Decide which detections count, and why the others do not."""

from zmhook.gate.alarm_rules import ALARM_RULES, alarming
from zmhook.gate.gate import Gate
from zmhook.gate.rules import DETECTION_RULES

__all__ = ["ALARM_RULES", "DETECTION_RULES", "Gate", "alarming"]
