"""What a failure looks like: a class of error or a code becomes a status, its problems become JSON (RFC 9457).

Here: the two tables and `document`. Not here: the words (`i18n`), who catches (`app.py`).
An error class without a row stops the start. Source: spec/api.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fieldstone.errors import Conflict, FieldstoneError, NotAllowed, NotVisible, Problem, Refused, TryAgain
from fieldstone.i18n import texts
from fieldstone.limits import REPORTED_PROBLEMS
from fieldstone.rules import NotInSql

STATUS: Mapping[type[FieldstoneError], int] = {Refused: 422, NotInSql: 422, Conflict: 409, NotAllowed: 403, NotVisible: 404, TryAgain: 503}

# Codes that are told apart by their status too; all others have that of their class.
STATUS_OF_CODE: Mapping[str, int] = {
    **dict.fromkeys(("malformed", "unknown_parameter", "invalid_cursor", "invalid_filter"), 400),
    **dict.fromkeys(("conflict", "duplicate", "record_locked", "plan_stale", "busy_publishing", "already_live", "already_closed"), 409),
    **dict.fromkeys(("already_applied", "evidence_changed", "idempotency_in_progress", "version_in_use"), 409),
    "not_found": 404,
    "forbidden": 403,
}


class Declined(Exception):
    """The surface's own refusal, before anything is asked of the org: of a body that is no JSON, of a missing token."""

    def __init__(self, status: int, code: str, problems: Iterable[Problem] = (), *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


def require_rows() -> None:
    """Raise RuntimeError for a class of error that has no status, at the start and not at its first use."""
    without = sorted(each.__name__ for each in _classes(FieldstoneError) if each not in STATUS)
    if without:
        raise RuntimeError(f"error classes without a status: {', '.join(without)}")


def _classes(root: type[FieldstoneError]) -> Iterator[type[FieldstoneError]]:
    for each in root.__subclasses__():
        if each.__module__.startswith("fieldstone."):
            yield each
            yield from _classes(each)


def status_of(failure: FieldstoneError) -> int:
    """Return the status of one of our errors: of its code, else of its nearest class in the table."""
    found = STATUS_OF_CODE.get(failure.code)
    if found is not None:
        return found
    return next(STATUS[kind] for kind in type(failure).__mro__ if kind in STATUS)


def status_of_code(code: str) -> int:
    """Return the status of what was refused with this code, by one item of many."""
    return STATUS_OF_CODE.get(code, 503 if code == TryAgain.code else 422)


def document(
    status: int,
    code: str,
    problems: Iterable[Problem],
    *,
    language: str,
    request_id: str,
    labels: texts.Labels | None = None,
    object_name: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the problem document; up to 1,000 problems, further ones are counted. `labels` are those of the org, `more` own keys."""
    listed = list(problems)
    found: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": _title(status, code, language),
        "status": status,
        "code": code,
        "request_id": request_id,
    }
    if listed:
        found["problems"] = [entry(each, language, labels, object_name) for each in listed[:REPORTED_PROBLEMS]]
    if len(listed) > REPORTED_PROBLEMS:
        found["problems_in_all"] = len(listed)
    return found | {key: value for key, value in more.items() if value is not None}


def entry(problem: Problem, language: str, labels: texts.Labels | None, object_name: str | None = None) -> dict[str, Any]:
    """Return one problem as JSON."""
    found: dict[str, Any] = {"code": problem.code}
    for key in ("document", "pointer", "field", "rule"):
        value = getattr(problem, key)
        if value is not None:
            found[key] = value
    if problem.span is not None:
        span = problem.span
        found["span"] = {"start": span.start, "end": span.end, "line": span.line, "column": span.column}
    found["message"] = texts.word(problem, language, labels, object_name)
    if problem.params:
        found["params"] = {key: _param(value) for key, value in problem.params.items()}
    if problem.suggestion is not None:
        found["suggestion"] = problem.suggestion
    if problem.warning:
        found["warning"] = True
    return found


def _param(value: Any) -> Any:
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_param(each) for each in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, Mapping):
        return {str(key): _param(each) for key, each in value.items()}
    return str(value)


def _title(status: int, code: str, language: str) -> str:
    title = texts.text(f"title.{code}", language)
    return texts.text(f"title.{status}", language) if title == f"title.{code}" else title
