"""The ways in which servers of models are asked, and which of them a server understands."""

from zmhook.gateway.dialects.base import Dialect
from zmhook.gateway.dialects.recognise import recognised

__all__ = ["Dialect", "recognised"]
