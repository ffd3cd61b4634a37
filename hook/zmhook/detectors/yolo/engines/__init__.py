"""What runs a network. Each module here holds one engine, in its attribute `ENGINE`.

A new engine is a new module: nothing else names it. `base` is the contract.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from zmhook.detectors.model_files import ModelFile
    from zmhook.detectors.yolo.engines.base import Engine


def engine_for(weights: ModelFile, preferred: str) -> type[Engine]:
    """Return the engine that reads such a file; where several do, the `preferred` one.

    Raises `ModelFileError` when none does.
    """
    engines = _all()
    able = [engine for engine in engines if engine.reads == weights.path.suffix.lower()]
    if not able:
        understood = ", ".join(sorted({engine.reads for engine in engines}))
        raise ModelFileError(f"{weights} is of no kind that can be run; understood: {understood}")
    return next((engine for engine in able if engine.name == preferred), able[0])


def _all() -> list[type[Engine]]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return [module.ENGINE for module in modules if hasattr(module, "ENGINE")]
