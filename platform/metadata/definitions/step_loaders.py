"""Building steps and people from documents.

Here: loaders that automations and approval processes share. Not here: the dataclasses (`steps.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.loading import Document, assignments
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.definitions.steps import (
    AssignStep,
    BranchStep,
    EmailStep,
    ErrorStep,
    NotifyStep,
    PersonSource,
    Step,
    StepBranch,
    UpdateStep,
)


def load_steps(parts: Iterable[Document], of: ObjectDef | None) -> tuple[Step, ...]:
    """Build steps; `of`: the object whose fields they set."""
    return tuple(_step(part, of) for part in parts)


def _step(part: Document, of: ObjectDef | None) -> Step:
    match part["type"]:
        case "assign":
            return AssignStep(id=part["id"], set=assignments(part["set"], of))
        case "update":
            return UpdateStep(id=part["id"], set=assignments(part["set"], of))
        case "branch":
            ways = tuple(StepBranch(when=way.get("when"), steps=load_steps(way["steps"], of)) for way in part["branches"])
            return BranchStep(id=part["id"], branches=ways)
        case "error":
            return ErrorStep(id=part["id"], at=part.get("at"), message=labels.of(part["message"]))
        case "notify":
            return NotifyStep(id=part["id"], to=load_people(part["to"]), text=labels.of(part["text"]))
    return EmailStep(id=part["id"], template=part["template"], to=load_people(part["to"]))


def load_people(items: Iterable[Any]) -> tuple[PersonSource, ...]:
    """Build recipients: sources, the words "submitter", "owner", "approvers", or an expression behind "="."""
    return tuple(_recipient(item) if isinstance(item, str) else person(item) for item in items)


def _recipient(word: str) -> PersonSource:
    return PersonSource(kind="formula", value=word[1:]) if word.startswith("=") else PersonSource(kind=word)


def person(part: Document) -> PersonSource:
    """Build one source of people."""
    kind = next(key for key in ("user", "role", "queue", "manager_of", "field") if key in part)
    return PersonSource(kind=kind, value=part[kind], level=int(part.get("level", 1)), seat=part.get("seat", "each"))
