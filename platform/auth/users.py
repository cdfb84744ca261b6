"""People who sign in: made, given rights, given another password, let go.

Here: the commands about users that are more than a record of the object `user`, and the rule that nobody grants a right
they do not hold.
Not here: logins (`logins.py`), pages (`web/setup/users.py`), what the rights mean (`records/gate/access.py`).
Source: spec/security.md, sections 2 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Engine

from fieldstone.auth import members, passwords, sessions, tokens
from fieldstone.db.transaction import Transaction, read, retrying
from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records import audit, principal
from fieldstone.records.changes import Change
from fieldstone.records.gate import people
from fieldstone.records.gate.access import Rights, require_setup, rights
from fieldstone.records.opening import open_for_writing
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records

MANAGE = "manage_users"


def _writer(by: Principal) -> Principal:
    """Who writes the record of a user on behalf of `by`, once their right to manage users is certain: a Setup right, no data right."""
    return replace(Principal.internal("users"), user_id=by.user_id, name=by.name)


def create_user(
    records: Records, by: Principal, values: Mapping[str, Any], *, permission_sets: Iterable[str] = (), password: str | None = None
) -> tuple[str, str]:
    """Make a user and return (id, password): the one given, or a random one that is good for the first login only.

    `values` are fields of the object `user` by API name (`name`, `username`, `email`, `profile`, `role` …).
    Raises NotAllowed for rights the maker does not hold, Refused with every problem of the record or the password.
    """
    chosen = password or passwords.random_password()
    wanted = tuple(permission_sets)
    problems = passwords.check_password(chosen, personal=_personal(values)) if password is not None else ()
    if problems:
        raise Refused(problems)

    def work(transaction: Transaction) -> str:
        snapshot, acting = open_for_writing(transaction, records.holder, by)
        require_grantable(snapshot, acting, profile=values.get("profile"), permission_sets=wanted)
        change = Change(object="user", action="create", values=values, given="typed")
        outcome = records.save_in(transaction, snapshot, _writer(by), (change,), channel="setup")[0]
        assert outcome.id is not None
        principal.assign(transaction.connection, outcome.id, wanted)
        passwords.store_password(transaction, outcome.id, chosen, one_time=password is None)
        audit.note(transaction, by, "user.created", object_name="user", record=outcome.id, details={"permission_sets": sorted(wanted)})
        return outcome.id

    return retrying(records.engine, work), chosen


def change_user(
    records: Records, by: Principal, user_id: str, values: Mapping[str, Any], *, permission_sets: Iterable[str] | None = None
) -> None:
    """Change fields of a user and, if given, which permission sets they hold. Deactivating ends their sessions and tokens.

    Raises NotAllowed for granting what one does not hold, and for another role of one's own; Refused when nobody would be left who
    manages security, and with every problem of the record.
    """
    wanted = tuple(permission_sets) if permission_sets is not None else None

    def work(transaction: Transaction) -> None:
        snapshot, acting = open_for_writing(transaction, records.holder, by)
        require_grantable(snapshot, acting, profile=values.get("profile"), permission_sets=wanted or ())
        if user_id == acting.user_id and (values.get("role") or None) != acting.role and "role" in values:
            require_all_seen(snapshot, acting)
        change = Change(object="user", action="update", id=user_id, values=values, given="typed")
        records.save_in(transaction, snapshot, _writer(by), (change,), channel="setup")
        if wanted is not None:
            principal.assign(transaction.connection, user_id, wanted)
        else:
            principal.bump_epoch(transaction.connection)
        if values.get("active") is False:
            end_access(transaction, user_id)
        audit.note(transaction, by, "user.changed", object_name="user", record=user_id, details={"fields": sorted(values)})
        require_somebody_left(transaction, snapshot)

    retrying(records.engine, work)


def end_access(transaction: Transaction, user_id: str) -> None:
    """End every session and token of a user."""
    sessions.end_all(transaction, user_id)
    tokens.revoke_all(transaction, user_id)


def reset_password(records: Records, by: Principal, user_id: str, password: str | None = None) -> str:
    """Give a user another password, good for one login unless it is given, and return it; all their sessions end.

    Raises NotVisible if there is no such user, NotAllowed for one who holds more than `by`: with their password one acts as they do.
    """
    chosen = password or passwords.random_password()
    problems = passwords.check_password(chosen) if password is not None else ()
    if problems:
        raise Refused(problems)

    def work(transaction: Transaction) -> None:
        snapshot, acting = open_for_writing(transaction, records.holder, by)
        row = members.user(transaction, user_id)
        if not acting.unrestricted:
            require_grantable(snapshot, acting, profile=row.profile, permission_sets=members.sets_of(transaction, user_id))
        passwords.store_password(transaction, user_id, chosen, one_time=password is None)
        sessions.end_all(transaction, user_id)
        audit.note(transaction, by, "user.password_reset", object_name="user", record=user_id)

    retrying(records.engine, work)
    return chosen


def change_own_password(engine: Engine, by: Principal, old: str, new: str, *, but: str | None = None) -> None:
    """Change one's own password; every other session ends, the one with the id `but` stays.

    Raises Refused when the old one is wrong or the new one is not good enough.
    """
    assert by.user_id is not None
    user_id = by.user_id
    with read(engine) as transaction:
        kept = passwords.kept_password(transaction, user_id)
    if not passwords.matches(old, kept[0] if kept is not None else None):
        raise Refused(Problem(code="password_wrong", field="old"))
    problems = passwords.check_password(new, personal=[by.name, by.username or "", by.email or ""])
    if not problems and new == old:
        problems = (Problem(code="password_same", field="password"),)
    if problems:
        raise Refused(problems)

    def work(transaction: Transaction) -> None:
        passwords.store_password(transaction, user_id, new)
        sessions.end_all(transaction, user_id, but=but)
        audit.note(transaction, by, "user.password_changed", object_name="user", record=user_id)

    retrying(engine, work)


OWN_SETTINGS = frozenset({"language", "zone"})


def change_own_settings(records: Records, by: Principal, values: Mapping[str, Any]) -> None:
    """Change what everybody may change of themselves: language and time zone. Raises Refused for anything that does not fit."""
    assert by.user_id is not None
    if set(values) - OWN_SETTINGS:
        raise NotAllowed("user.edit")
    if "zone" in values and values["zone"] not in available_timezones():
        raise Refused(Problem(code="unknown_zone", params={"zone": values["zone"]}, field="zone"))
    if "language" in values:
        values = {**values, "language": str(values["language"]).replace("-", "_").lower()}  # API names have no hyphen
    change = Change(object="user", action="update", id=by.user_id, values=values, given="typed")
    records.save(Principal.internal("own settings"), [change], channel="web")


def _personal(values: Mapping[str, Any]) -> list[str]:
    return [str(values.get(key) or "") for key in ("name", "username", "email")]


# ------------------------------------------------------------------------------------- nobody grants what they do not hold


def require_grantable(snapshot: Snapshot, by: Principal, *, profile: str | None, permission_sets: Iterable[str]) -> None:
    """Raise NotAllowed unless `by` manages users and holds every right that the profile and permission sets give.

    Raises Refused for a name that is no profile or permission set. The platform itself grants whatever is asked of it.
    """
    names = [("profile", profile)] if profile is not None else []
    names += [("permission_set", name) for name in permission_sets]
    unknown = [
        Problem(code="unknown_name", params={"kind": kind, "name": name}, field=kind)
        for kind, name in names
        if snapshot.find(kind, name) is None
    ]
    if unknown:
        raise Refused(unknown)
    if by.unrestricted:
        return
    held = rights(snapshot, by)
    require_setup(held, MANAGE)
    nobody = replace(by, profile=None, permission_sets=frozenset())
    for kind, name in names:
        given = replace(nobody, profile=name) if kind == "profile" else replace(nobody, permission_sets=frozenset({name}))
        lacking = beyond(held, rights(snapshot, given))
        if lacking is not None:
            raise NotAllowed(lacking)


def require_all_seen(snapshot: Snapshot, by: Principal) -> None:
    """Raise NotAllowed unless `by` sees all data anyway: a role of one's own choice opens records, and nobody raises themselves."""
    held = rights(snapshot, by)
    if not (held.setup("view_all_data") or held.setup("modify_all_data")):
        raise NotAllowed("setup.view_all_data")


def beyond(held: Rights, given: Rights) -> str | None:
    """Return the first right in `given` that is not in `held`, such as "deal.delete" or "setup.manage_users"; None if there is none."""
    for right in sorted(given.setup_rights - held.setup_rights):
        return f"setup.{right}"
    for name in sorted(given.permissions - held.permissions):
        return f"permission.{name}"
    for name, granted in sorted(given.granted.items()):
        own = held.granted.get(name)
        for kind, theirs, mine in (
            ("", granted.rights, own.rights if own else frozenset()),
            ("read.", granted.readable, own.readable if own else frozenset()),
            ("edit.", granted.editable, own.editable if own else frozenset()),
        ):
            for right in sorted(theirs - mine):
                return f"{name}.{kind}{right}"
    return None


def require_somebody_left(transaction: Transaction, snapshot: Snapshot) -> None:
    """Raise Refused unless an active user still holds `manage_security`: the last one can be neither removed nor disabled."""
    rows = transaction.connection.execute(people.select_principal())
    if not any(rights(snapshot, people.principal_of(row)).setup("manage_security") for row in rows):
        raise Refused(Problem(code="last_security_manager"))
