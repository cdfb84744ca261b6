"""What can go wrong, as the caller sees it: one small tree of exceptions and the `Problem`s they carry.

Here: which kinds of failure exist and what each carries.
Not here: wording (`i18n`), HTTP status codes (`api/problems.py`), how a page shows them (`web`).

    FieldstoneError
    ├── Refused       the input is wrong; carries every Problem
    │   └── Conflict  someone was faster; carries both values
    ├── NotAllowed    visible, but this is not granted
    ├── NotVisible    does not exist, or not for this principal
    └── TryAgain      deadlock, busy, timeout; safe to repeat

Anything else that is raised is our own bug: it is logged with an id, and only the id is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of an expression's source text: `start` and `end` count characters from 0, line and column from 1."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with an input: what, where and, when known, what would be right.

    `code` is stable and has a text in every language (`i18n/texts.py`, key `problem.<code>`), filled with `params`.
    `message` is set instead where a customer wrote the text (a validation rule): one text per language.
    """

    code: str
    params: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    document: str | None = None  # of metadata: its path, such as "objects/deal.json"
    pointer: str | None = None  # JSON pointer into the document or request body; "" is the whole
    field: str | None = None  # API name of the field of a record
    span: Span | None = None  # inside an expression
    rule: str | None = None  # API name of the validation rule
    suggestion: str | None = None  # what would be right: the nearest name, a value that fits
    message: Mapping[str, str] | None = None  # a customer's own text, by language
    warning: bool = False  # does not refuse by itself; a person ticks it

    def at(self, *, document: str | None = None, pointer: str | None = None, field: str | None = None) -> Problem:
        """Return this problem placed by a caller who knows where the input stood; what is already set stays."""
        return replace(
            self,
            document=self.document if self.document is not None else document,
            pointer=self.pointer if self.pointer is not None else pointer,
            field=self.field if self.field is not None else field,
        )


class FieldstoneError(Exception):
    """The root of every failure that a caller is meant to handle."""

    code = "internal"


class Refused(FieldstoneError):
    """The input is wrong. `problems` holds every reason, never only the first."""

    code = "invalid"

    def __init__(self, problems: Iterable[Problem] | Problem, code: str | None = None) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if code is not None:
            self.code = code
        elif len({problem.code for problem in self.problems}) == 1 and self.problems[0].code in OWN_CODES:
            self.code = self.problems[0].code
        super().__init__("; ".join(f"{p.pointer or p.field or ''} {p.code} {dict(p.params)}".strip() for p in self.problems))


# Problems that are the whole answer give their code to it: a surface tells them apart from ordinary bad input.
OWN_CODES = frozenset(
    {
        "already_live",
        "already_closed",
        "already_applied",
        "evidence_changed",
        "record_locked",
        "guarded_value",
        "plan_stale",
        "busy_publishing",
        "limit_exceeded",
        "no_process",
        "not_your_task",
        "self_approval",
        "duplicate",
        "idempotency_mismatch",
        "rule_fault",
        "in_use",
        "invalid_cursor",
        "invalid_filter",
        "malformed",
        "unknown_parameter",
    }
)


class Conflict(Refused):
    """Someone was faster. `current` and `given` hold both values of the fields the principal may read, by API name."""

    code = "conflict"

    def __init__(
        self,
        problems: Iterable[Problem] | Problem = (),
        *,
        current: Mapping[str, object] = NOTHING,
        given: Mapping[str, object] = NOTHING,
        row_version: int | None = None,
    ) -> None:
        super().__init__(problems or Problem(code="conflict"), code="conflict")
        self.current = current
        self.given = given
        self.row_version = row_version


class NotAllowed(FieldstoneError):
    """The thing is visible, but the principal does not hold the right `right` (such as "deal.edit" or "setup.customize")."""

    code = "forbidden"

    def __init__(self, right: str = "") -> None:
        self.right = right
        super().__init__(right)


class NotVisible(FieldstoneError):
    """There is no such thing, or not for this principal: the two are never told apart."""

    code = "not_found"


class TryAgain(FieldstoneError):
    """Nothing is wrong with the input: a deadlock, a lock or a time limit stood in the way. Safe to repeat."""

    code = "busy"

    def __init__(self, reason: str = "busy", after_seconds: float = 1.0) -> None:
        self.reason = reason
        self.after_seconds = after_seconds
        super().__init__(reason)
