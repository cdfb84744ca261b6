"""Which passwords are accepted, and that keeping and comparing them works on both databases."""

from __future__ import annotations

import pytest

from fieldstone.auth import passwords
from fieldstone.db.ids import new_id
from fieldstone.db.system import SYSTEM
from fieldstone.db.transaction import write


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("elevenchars", "password_too_short"),
        ("x" * 129, "password_too_long"),
        ("password1234", "password_common"),
        ("P@ssw0rd2026!", "password_common"),
        ("iloveyou2026", "password_common"),
        ("passwordpassword", "password_common"),
        ("qwertyuiop12", "password_common"),
        ("123456789012", "password_common"),
        ("aaaaaaaaaaaa", "password_common"),
        ("abcabcabcabc", "password_common"),
        ("abcdefghijkl", "password_common"),
        ("maya.okafor!", "password_common"),
        ("fieldstone-2026", "password_common"),
        ("ｐａｓｓｗｏｒｄ１２３４", "password_common"),
        ("correct horse battery staple", "password_common"),
        ("four quiet horses read", None),
        ("山岚在远处看着我们走过桥", None),
        ("k7mnp-2qrst-x9yzw-4hjkl", None),
        ("x7" * 64, "password_common"),
    ],
)
def test_a_password_is_long_enough_and_not_easy_to_guess(password, code):
    found = passwords.check_password(password, personal=["Maya Okafor", "maya@example.com"])
    assert [problem.code for problem in found] == ([code] if code else [])


def test_random_passwords_are_accepted_and_differ():
    made = {passwords.random_password() for _ in range(50)}
    assert len(made) == 50
    assert all(passwords.check_password(each) == () for each in made)


def test_a_kept_password_is_known_again_and_no_other(database):
    user = new_id()
    with write(database) as tx:
        SYSTEM.create_all(tx.connection)
        passwords.store_password(tx, user, "four quiet horses read", one_time=True)
        stored, one_time = passwords.kept_password(tx, user)
        assert one_time
        assert stored.startswith("$argon2id$")
        assert passwords.matches("four quiet horses read", stored)
        assert not passwords.matches("four quiet horses run", stored)
        passwords.store_password(tx, user, "another sentence of words")
        assert not passwords.matches("four quiet horses read", passwords.kept_password(tx, user)[0])
        passwords.remove_password(tx, user)
        assert passwords.kept_password(tx, user) is None


def test_nobodys_password_matches_nothing():
    assert not passwords.matches("", None)
    assert not passwords.matches("anything at all here", None)
