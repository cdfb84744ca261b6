"""Every page of Setup, imported so that its routes hang on the blueprint.

Here: the list. Not here: the pages.
"""

from __future__ import annotations

from fieldstone.web.setup import bp, expressions, fields, home, navigation, objects, words

__all__ = ["bp", "expressions", "fields", "home", "navigation", "objects", "words"]
