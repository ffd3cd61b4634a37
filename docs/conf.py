"""Sphinx: `sphinx-build -W -b html docs docs/_build/html`. Needs no network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hook"))

from zmhook import __version__

project = "zmhook"
copyright = "the zmhook authors"  # noqa: A001 - Sphinx's name for it
version = release = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["zmhook.css"]
html_title = f"zmhook {__version__}"
html_show_sphinx = False

# `make links` tries these; `make docs` and CI need no network.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
linkcheck_ignore = [r"https?://[^/]*(\.example\.(org|com|net)|\.lan|localhost|127\.0\.0\.1)\b"]
