"""Fixtures for tests of who sees what."""

from __future__ import annotations

from tests.records.conftest import a_world

__all__ = ["a_world"]
