"""Passwords: which are accepted, how they are kept, how one is compared.

Here: length and guessability, Argon2id, the table of credentials.
Not here: logins and their limits (`logins.py`), who may set whose password (`users.py`).
Source: spec/security.md, section 6.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Column, delete, insert, select, update

from fieldstone.db.column_types import Flag, Id, PlainText, UtcMoment
from fieldstone.db.system import system_table
from fieldstone.db.transaction import Transaction
from fieldstone.errors import Problem

SHORTEST = 12  # characters
LONGEST = 128

CREDENTIALS = system_table(
    "credential",
    Column("user_id", Id, primary_key=True),
    Column("password_hash", PlainText, nullable=False),
    Column("changed_at", UtcMoment, nullable=False),
    Column("one_time", Flag, nullable=False),  # handed out by an administrator: the user chooses another at the first login
)

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's first recommendation for Argon2id
_LOOKALIKE = str.maketrans("013457@$!8", "oleastasib")
_WORDS_OF_A_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfv", "1q2w3e4r5t6y")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that two fonts draw alike


def check_password(password: str, *, personal: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Return what is wrong with a new password; `personal` are texts it must not consist of: login name, mail address, name.

    Any composition is allowed. Length counts characters, after NFC. A guessable one is a common word, a run of the keyboard or one
    character, a repetition or a personal text, with digits and signs around it.
    """
    chosen = unicodedata.normalize("NFC", password)
    if len(chosen) < SHORTEST:
        return (Problem(code="password_too_short", params={"shortest": SHORTEST}, field="password"),)
    if len(chosen) > LONGEST:
        return (Problem(code="password_too_long", params={"longest": LONGEST}, field="password"),)
    if _is_guessable(chosen, personal):
        return (Problem(code="password_common", field="password"),)
    return ()


def _is_guessable(password: str, personal: Iterable[str]) -> bool:
    folded = unicodedata.normalize("NFKC", password).casefold()
    known = common_words() | {part for text in personal for part in _parts(text)}
    middle = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)  # what stands around a word hides it no better than what stands for its letters
    for text in (folded, folded.translate(_LOOKALIKE), middle.translate(_LOOKALIKE) or folded):
        core = re.sub(r"[\W\d_]+", "", text)
        if len(set(text)) <= 4 or _is_a_run(text) or (core and _is_made_of(core, known)):
            return True
        if not core:  # digits and signs alone
            return len(text) < 20
    return False


def _parts(text: str) -> set[str]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return {part for part in (re.sub(r"[\W\d_]+", "", folded), *re.split(r"[\W\d_]+", folded)) if len(part) >= 3}


def _is_made_of(core: str, known: set[str] | frozenset[str]) -> bool:
    """Tell whether `core` is nothing but at most two known words, however often repeated."""
    reached: dict[int, frozenset[str]] = {0: frozenset()}
    for end in range(1, len(core) + 1):
        for start, used in list(reached.items()):
            word = core[start:end]
            if word in known and len(used | {word}) <= 2 and end not in reached:
                reached[end] = used | {word}
    return len(core) in reached


def _is_a_run(text: str) -> bool:
    """Tell whether `text` is steps along the keyboard, the alphabet or the digits, or one short piece repeated."""
    for size in range(1, 5):
        if text == (text[:size] * (len(text) // size + 1))[: len(text)]:
            return True
    pairs = {row[i : i + 2] for row in _WORDS_OF_A_KEYBOARD for i in range(len(row) - 1)}
    pairs |= {pair[::-1] for pair in pairs}
    steps = sum(text[i : i + 2] in pairs or text[i] == text[i + 1] for i in range(len(text) - 1))
    return steps >= len(text) - 2


@cache
def common_words() -> frozenset[str]:
    """Return the bundled words that leaked passwords are built of, folded, letters only."""
    lines = resources.files("fieldstone.auth").joinpath("common_passwords.txt").read_text(encoding="utf-8").split()
    return frozenset(word.casefold() for word in lines)


def random_password() -> str:
    """Return a password of 100 random bits in four groups that can be read out, such as `k7mnp-…`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def store_password(transaction: Transaction, user_id: str, password: str, *, one_time: bool = False) -> None:
    """Keep the hash of a user's new password. The caller has checked it, and ends the user's sessions."""
    values = {"password_hash": _HASHER.hash(_plain(password)), "changed_at": transaction.now, "one_time": one_time}
    changed = transaction.connection.execute(update(CREDENTIALS).where(CREDENTIALS.c.user_id == user_id).values(values))
    if changed.rowcount == 0:
        transaction.connection.execute(insert(CREDENTIALS).values(user_id=user_id, **values))


def remove_password(transaction: Transaction, user_id: str) -> None:
    """Take a user's password away: nobody signs in with it any more."""
    transaction.connection.execute(delete(CREDENTIALS).where(CREDENTIALS.c.user_id == user_id))


def kept_password(transaction: Transaction, user_id: str) -> tuple[str, bool] | None:
    """Return the hash of a user's password and whether it is a one-time one; None for a user who has none."""
    row = transaction.connection.execute(
        select(CREDENTIALS.c.password_hash, CREDENTIALS.c.one_time).where(CREDENTIALS.c.user_id == user_id)
    ).one_or_none()
    return (row.password_hash, row.one_time) if row is not None else None


def matches(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` is the one; with no hash at all it takes as long and is False."""
    try:
        _HASHER.verify(password_hash if password_hash is not None else _nobodys_hash(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_hex())


def _plain(password: str) -> str:
    return unicodedata.normalize("NFC", password)[: LONGEST + 1]  # what is longer was never accepted
