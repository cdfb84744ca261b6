"""A whole proposed set of documents, and everything that is wrong with it.

Here: the order of the stages, and what one leaves to the next: a stage runs on all that survived the one before.
Not here: the stages (`checks/`), building what was accepted (`load.py`), reading records (nobody does before the plan).
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from fieldstone import limits
from fieldstone.errors import Problem
from fieldstone.metadata import meta_schemas
from fieldstone.metadata.checks.amounts import check_amounts
from fieldstone.metadata.checks.examples import check_examples
from fieldstone.metadata.checks.expressions import check_expressions
from fieldstone.metadata.checks.graph import check_graph
from fieldstone.metadata.checks.naming import check_naming
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.checks.resolving import check_resolving
from fieldstone.metadata.checks.sense import check_sense
from fieldstone.metadata.checks.shape import check_shape
from fieldstone.metadata.definitions.loading import Document

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldstone.metadata.snapshot import Snapshot

Rights = Callable[[Mapping[str, Document]], Iterable[Problem]]


def check(
    documents: Mapping[str, Document],
    *,
    current: Snapshot | None = None,
    language: str = "en",
    rights: Rights | None = None,
    database: Connection | None = None,
) -> tuple[Problem, ...]:
    """Return all problems of a set of parsed documents (by path), warnings included, each with document, pointer and, if known, the fix.

    Stages: meta-schema → names → references and sense → expressions → graph → limits → examples → rights of the author (`rights`, if
    given). What stands in `current` as it is was checked when it was published: only what may mean something else now is judged again.
    Examples are run in Python, on SQLite in memory and, if it is given, on `database`, whose tables nobody reads. Reads no records,
    raises nothing.
    """
    before = current.parsed if current is not None else {}
    sound, problems = check_shape(documents, lambda path, document: before.get(path) is document)
    proposed = Proposed(documents=_documents(documents), sound=sound, language=language, current=current, database=database)
    proposed.take(problems)
    for stage in (check_naming, check_resolving, check_sense, check_expressions, check_graph, check_amounts, check_examples):
        stage(proposed)
    if rights is not None:
        proposed.take(rights(sound))
    return _ordered(proposed.problems)


def check_manifest(manifest: Document, path: str = "pack.json") -> tuple[Problem, ...]:
    """Return what the meta-schema of pack manifests has against `manifest`."""
    return tuple(problem.at(document=path) for problem in meta_schemas.problems(manifest, "pack"))


def _documents(documents: Mapping[str, Document]) -> Mapping[str, Document]:
    return {path: document for path, document in documents.items() if isinstance(document, Mapping)}


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """One problem a cause, in the order of the stages; more than an answer holds are cut off."""
    unique = {(problem.document, problem.pointer, problem.code, str(dict(problem.params)), problem.span): problem for problem in problems}
    return tuple(unique.values())[: limits.REPORTED_PROBLEMS]
