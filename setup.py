"""Kept for `pip install .` with old tools; everything is declared in pyproject.toml."""

from setuptools import setup

setup()
