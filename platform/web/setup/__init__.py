"""Setup: the pages on which administrators build and run the org, a file a page.

Here: the blueprint that all of them hang their routes on. Not here: which pages there are (`navigation`), the pages themselves
(imported by `pages`).
"""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("setup", __name__, url_prefix="/setup")
