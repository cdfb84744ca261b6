"""Versions of packs and the ranges that a manifest names.

Here: precedence of SemVer 2.0.0 (its section 11) and the ranges of spec/packs.md section 2: `= > >= < <= ^ ~ *`, joined by blanks.
Not here: which pack to choose (`plan.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
PART = re.compile(r"(\^|~|>=|<=|>|<|=)?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version, ordered by precedence; what follows `+` plays no part."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    def __lt__(self, other: Version) -> bool:
        """Whether this version precedes `other`."""
        return self._key() < other._key()

    def _key(self) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
        # numbers below words, and a version without a pre-release above all of its pre-releases
        pre = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in self.pre)
        return (self.major, self.minor, self.patch, not self.pre, pre)

    def __str__(self) -> str:
        """The version as a manifest writes it."""
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{'.'.join(self.pre)}" if self.pre else "")


def parse_version(text: str) -> Version | None:
    """Return the version that `text` writes, or None."""
    found = VERSION.fullmatch(text)
    if found is None:
        return None
    return Version(int(found[1]), int(found[2]), int(found[3]), tuple(found[4].split(".")) if found[4] else ())


def is_range(text: str) -> bool:
    """Whether `text` is a range."""
    return text.strip() == "*" or (bool(text.split()) and all(PART.fullmatch(part) for part in text.split()))


def in_range(version: Version, text: str) -> bool:
    """Whether `version` satisfies every comparator of the range `text`. A pre-release matches only a range that names one."""
    if text.strip() == "*":
        return not version.pre
    parts = [PART.fullmatch(part) for part in text.split()]
    if version.pre and not any(found and found[5] for found in parts):
        return False
    return bool(parts) and all(found is not None and _holds(version, found) for found in parts)


def _holds(version: Version, found: re.Match[str]) -> bool:
    low = Version(int(found[2]), int(found[3] or 0), int(found[4] or 0), tuple(found[5][1:].split(".")) if found[5] else ())
    match found[1]:
        case ">":
            return version > low
        case ">=":
            return version >= low
        case "<":
            return version < low
        case "<=":
            return version <= low
        case "^":
            return low <= version < _next_breaking(low)
        case "~":
            return low <= version < (Version(low.major, low.minor + 1, 0) if found[3] else Version(low.major + 1, 0, 0))
        case _:
            return version == low


def _next_breaking(low: Version) -> Version:
    """Return the first version that may break what `low` promised: below 1.0 each minor may."""
    if low.major:
        return Version(low.major + 1, 0, 0)
    return Version(0, low.minor + 1, 0) if low.minor else Version(0, 0, low.patch + 1)
