"""Who may call a route: every view says so, and the application refuses to start with one that does not.

Here: `@admit` and the three answers it knows. Not here: rights on records, which the gate decides.
Source: spec/security.md, section 11 "Routes deny by default".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom a route admits: anybody, whoever is signed in, or holders of the Setup rights named (one of them is enough)."""

    public: bool = False
    setup: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "public" if self.public else " or ".join(f"setup:{right}" for right in self.setup) or "signed in"


PUBLIC = Admission(public=True)
SIGNED_IN = Admission()


def setup(*rights: str) -> Admission:
    """Return the admission of holders of at least one of these Setup rights."""
    return Admission(setup=rights)


def admit(admission: Admission) -> Callable[[View], View]:
    """Declare whom a view admits. It is checked before the view is called (`app.py`)."""

    def declare(view: View) -> View:
        view.admission = admission  # type: ignore[attr-defined]
        return view

    return declare


def admission_of(view: Callable[..., Any]) -> Admission | None:
    """Return what a view declares, None if it declares nothing."""
    return getattr(view, "admission", None)


def require_admissions(app: Flask) -> None:
    """Refuse to start with a route that does not say whom it admits. Raises RuntimeError naming all of them."""
    silent = sorted(
        f"{rule.rule} ({rule.endpoint})" for rule in app.url_map.iter_rules() if admission_of(app.view_functions[rule.endpoint]) is None
    )
    if silent:
        raise RuntimeError(f"routes without @admit: {', '.join(silent)}")
