"""Setup's home: its pages, and a way to find anything in Setup.

Here: the home page. Not here: the pages it leads to (`navigation`).
"""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from fieldstone.web.admission import admit, setup
from fieldstone.web.pages import page
from fieldstone.web.setup import bp


@bp.get("")
@admit(setup("view_setup"))
def home() -> ResponseReturnValue:
    """The pages of Setup that the person may open."""
    return page("setup/home.html")
