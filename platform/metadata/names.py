"""API names: which are allowed, which are equal, which one was meant.

Here: the rules of names that every kind shares, and "did you mean".
Not here: what a name refers to (`references.py`, `scope.py`), physical names (`identities.py`).
Source: spec/metadata.md, section 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rapidfuzz.distance import OSA

NATIVE = re.compile(r"(?:[a-z][a-z0-9]{1,14}__)?[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NATIVE_LENGTH = 40  # of a name made here; one that was imported may have 60 characters

FOREIGN_END = re.compile("__(?:c|r|mdt|pc|pr)$", re.IGNORECASE)  # of a name made by the admin of another product
HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])")

RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)}
SYSTEM_FIELDS = (
    *("id", "row_version", "record_type", "owner", "created_at", "created_by", "updated_at", "updated_by", "deleted_at", "deleted_by"),
    *("approval_status", "currency_code"),
)
RESERVED_FOR_FIELDS = frozenset((*SYSTEM_FIELDS, "true", "false", "null", "not"))


def nearest(name: str, candidates: Iterable[str], labels: Mapping[str, Iterable[str]] | None = None) -> str | None:
    """Return the candidate that was probably meant: equal but for case or as another product writes it, or at most 2 edits away, or with
    `name` as a label.

    `labels`: texts by candidate. None when nothing comes close; of equally near ones the first.
    """
    wanted, best, best_distance = name.lower(), None, 3
    known = list(candidates)
    spelled = _here(name)
    most = 2 if len(wanted) > 3 else 1  # two edits turn any word of three letters into any other
    by_lower = {candidate.lower(): candidate for candidate in reversed(known)}
    for spelling in (wanted, *spelled):
        if spelling in by_lower:
            return by_lower[spelling]
    for candidate in known:
        distance = OSA.distance(wanted, candidate.lower(), score_cutoff=most)
        if distance <= most and distance < best_distance:
            best, best_distance = candidate, distance
    if best is None and labels is not None:
        texts = {wanted, *(spelling.replace("_", " ") for spelling in spelled)}
        best = next((candidate for candidate, shown in labels.items() if any(text.lower() in texts for text in shown)), None)
    return best


def _here(name: str) -> tuple[str, ...]:
    """Return how a name of another product, such as `AccountId`, `StageName` or `$Setup.Limits__c.Max__c`, would be written here."""
    steps = [FOREIGN_END.sub("", step) for step in name.split(".")]
    snake = ".".join(step if step.startswith("$") else HUMP.sub("_", step) for step in steps).lower()
    return tuple(dict.fromkeys((snake, snake.removesuffix("_id"), snake.removesuffix("_name"))))


def is_native(name: str) -> bool:
    """Tell whether `name` is one that could be made here: snake_case, perhaps behind the prefix of a pack."""
    return NATIVE.fullmatch(name) is not None
