from __future__ import annotations

from zmhook.process import memory_limit as module


def test_memory_is_bounded(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(module.resource, "setrlimit", lambda kind, both: asked.append(both))
    for hard, soft in ((module.resource.RLIM_INFINITY, 4 << 30), (1 << 30, 1 << 30)):
        monkeypatch.setattr(module.resource, "getrlimit", lambda _, hard=hard: (hard, hard))
        module.limit_memory()
        assert asked.pop() == (soft, hard)
