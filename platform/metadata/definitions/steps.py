"""Steps: what automations and approval actions do (meta-schemas: automation.json, approval_process.json).

Here: their shapes. Not here: running them (`workflow/automations/actions.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar, TypeAlias

from fieldstone.metadata.definitions.definition import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a field gets: a typed constant, or the source of an expression without its leading "="."""

    value: object = None
    formula: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignStep:
    """Sets fields of the record being saved (before_save)."""

    type: ClassVar[str] = "assign"

    id: str
    set: Mapping[str, Assignment] = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStep:
    """Refuses the save with `message` at the field `at`."""

    type: ClassVar[str] = "error"

    id: str
    at: str | None = None
    message: Label = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBranch:
    """One way of a branch; `when` None is the compulsory else, always last."""

    when: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchStep:
    """The first branch whose condition is true runs."""

    type: ClassVar[str] = "branch"

    id: str
    branches: tuple[StepBranch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStep:
    """Updates the record of an approval."""

    type: ClassVar[str] = "update"

    id: str
    set: Mapping[str, Assignment] = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyStep:
    """Puts a line in people's inboxes."""

    type: ClassVar[str] = "notify"

    id: str
    to: tuple[PersonSource, ...] = ()
    text: Label = made(default_factory=dict)  # may hold {{ expression }}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailStep:
    """Mails a template to people."""

    type: ClassVar[str] = "email"

    id: str
    template: str = ""
    to: tuple[PersonSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSource:
    """Where people come from.

    `kind`: "user" (username), "role", "queue" (API name), "manager_of" ("submitter", "owner" or "approver"), "field" (path to a user,
    such as "account.lawyer"), "formula" (source without "=", gives a user's id), "submitter", "owner".
    """

    kind: str
    value: str = ""
    level: int = 1  # of manager_of
    seat: str = "each"  # "each": frozen at entry; "group": one seat, whoever is a member when deciding


Step: TypeAlias = AssignStep | ErrorStep | BranchStep | UpdateStep | NotifyStep | EmailStep
