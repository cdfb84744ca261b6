"""Users: the list, a new one with its one-time password, profile, role, permission sets, queues, manager; deactivating, resetting.

Here: the pages. Not here: the commands behind them (`auth/users.py`, `auth/members.py`).
Source: spec/security.md, sections 2 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import available_timezones

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import members, users
from fieldstone.db.column_types import is_id
from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.setup.typed import TypedForm, typed_before
from fieldstone.web.shell import toast

TEXTS = ("name", "username", "email", "title", "profile", "role", "manager", "language", "zone")
SHOWN = 50
STATES: Mapping[str, bool | None] = {"active": True, "inactive": False, "all": None}


@bp.get("/users")
@admit(setup("manage_users"))
def list_users() -> ResponseReturnValue:
    """The people of the org, found by name, sign-in name or address."""
    words, state = request.args.get("q", "").strip()[:100], request.args.get("state", "active")
    start = max(0, int(request.args.get("start", "0"))) if request.args.get("start", "0").isdigit() else 0
    active = STATES.get(state, True)
    found = members.users(current.transaction, words=words, active=active, limit=SHOWN + 1, start=start)
    return page("setup/users.html", found=found[:SHOWN], q=words, state=state, start=start, more=len(found) > SHOWN, labels=_labels())


def _labels() -> dict[tuple[str, str], str]:
    """The labels of profiles and roles, by kind and name."""
    return {(kind, each.name): label(each) for kind in ("profile", "role") for each in current.snapshot.all(kind)}


@bp.get("/users/people")
@admit(setup("manage_users", "manage_security", "manage_automation"))
def people() -> ResponseReturnValue:
    """Suggest active users for a lookup."""
    found = members.users(current.transaction, words=request.args.get("q", "").strip()[:100], active=True, limit=9)
    results = [{"id": row.id, "text": row.name or row.username, "note": row.title or row.email or "", "icon": "user"} for row in found[:8]]
    return jsonify(results=results, more=len(found) > 8)


@bp.get("/users/new")
@admit(setup("manage_users"))
def new_user() -> ResponseReturnValue:
    """The form of a new user."""
    typed = MultiDict({"profile": "standard_user", "language": "", "zone": ""})
    return _form(None, TypedForm(typed=typed_before(typed)))


@bp.post("/users/new")
@admit(setup("manage_users"))
def create_user() -> ResponseReturnValue:
    """Make a user and show the password for the first login, this once."""
    typed = request.form
    values = {name: value for name, value in _values(typed).items() if value is not None} | {"active": True}
    refused = _queues_refused(typed, ())
    if refused:
        return _form(None, _with_problems(typed, refused), 422)
    current.close()
    try:
        user_id, password = users.create_user(
            current.org.records, current.principal, values, permission_sets=_chosen(typed, "permission_sets", "permission_set")
        )
    except (Refused, NotAllowed) as failure:
        return _form(None, _with_problems(typed, _problems(failure)), 422)
    members.put_in_queues(current.org.engine, current.principal, user_id, _queues(typed))
    return _password_page(user_id, password, made=True)


@bp.get("/users/<user_id>")
@admit(setup("manage_users"))
def show_user(user_id: str) -> ResponseReturnValue:
    """One user."""
    row = members.user(current.transaction, user_id)
    typed: MultiDict[str, str] = MultiDict({name: getattr(row, name, None) or "" for name in TEXTS})
    typed["manager__text"] = members.names(current.transaction, [row.manager]).get(row.manager or "", "")
    typed.setlist("permission_sets", list(members.sets_of(current.transaction, user_id)))
    typed.setlist("queues", list(members.queues_of(current.transaction, user_id)))
    return _form(row, TypedForm(typed=typed_before(typed)))


@bp.post("/users/<user_id>")
@admit(setup("manage_users"))
def change_user(user_id: str) -> ResponseReturnValue:
    """Change a user, what they hold and where they are a member."""
    row, typed = members.user(current.transaction, user_id), request.form
    refused = _queues_refused(typed, members.queues_of(current.transaction, user_id))
    refused = refused or _command(lambda: _change(user_id, _values(typed), _chosen(typed, "permission_sets", "permission_set")))
    if refused:
        return _form(row, _with_problems(typed, refused), 422)
    members.put_in_queues(current.org.engine, current.principal, user_id, _queues(typed))
    toast(_("User saved"))
    return redirect_after(f"/setup/users/{user_id}")


@bp.post("/users/<user_id>/activate")
@admit(setup("manage_users"))
def activate_user(user_id: str) -> ResponseReturnValue:
    """Let a user sign in again, or no more: then their sessions and tokens end."""
    members.user(current.transaction, user_id)
    active = request.form.get("active") == "1"
    refused = _command(lambda: _change(user_id, {"active": active}, None))
    if refused:
        return _refused(user_id, refused)
    toast(_("User activated") if active else _("User deactivated"))
    return redirect_after(f"/setup/users/{user_id}")


@bp.post("/users/<user_id>/password")
@admit(setup("manage_users"))
def reset_password(user_id: str) -> ResponseReturnValue:
    """Give a user another password for one login; whoever holds more than oneself is out of reach."""
    members.user(current.transaction, user_id)
    given: list[str] = []
    refused = _command(lambda: given.append(users.reset_password(current.org.records, current.principal, user_id)))
    return _refused(user_id, refused) if refused else _password_page(user_id, given[0], made=False)


@bp.post("/users/<user_id>/sessions")
@admit(setup("manage_users"))
def end_sessions(user_id: str) -> ResponseReturnValue:
    """Sign a user out everywhere."""
    members.user(current.transaction, user_id)
    current.close()
    members.end_sessions(current.org.engine, current.principal, user_id)
    toast(_("All sessions ended"))
    return redirect_after(f"/setup/users/{user_id}")


def _change(user_id: str, values: Mapping[str, Any], permission_sets: Iterable[str] | None) -> None:
    users.change_user(current.org.records, current.principal, user_id, values, permission_sets=permission_sets)


def _command(run: Any) -> tuple[Problem, ...]:
    """Run a command about a user and return why it was refused, if it was."""
    current.close()
    try:
        run()
    except (Refused, NotAllowed) as failure:
        return _problems(failure)
    return ()


def _problems(failure: Refused | NotAllowed) -> tuple[Problem, ...]:
    if isinstance(failure, Refused):
        return failure.problems
    right = failure.right.removeprefix("setup.").removeprefix("permission.")
    return (Problem(code="right_not_held", params={"right": right}, field="permission_set"),)


def _values(typed: MultiDict[str, str]) -> dict[str, Any]:
    """Return the fields of the record as typed; of those the form does not show, none."""
    return {name: typed[name].strip() or None for name in TEXTS if name in typed}


def _chosen(typed: MultiDict[str, str], control: str, kind: str) -> tuple[str, ...]:
    return tuple(name for name in typed.getlist(control) if current.snapshot.find(kind, name) is not None)


def _queues(typed: MultiDict[str, str]) -> tuple[str, ...]:
    known = {each.id for each in current.snapshot.all("queue")}
    return tuple(each for each in typed.getlist("queues") if is_id(each) and each in known)


def _queues_refused(typed: MultiDict[str, str], now: Iterable[str]) -> tuple[Problem, ...]:
    """Return why the queues may not be changed: they open records and seats at approvals, and take the right of their own page."""
    if set(_queues(typed)) == set(now) or current.rights.setup("manage_security"):
        return ()
    return (Problem(code="right_not_held", params={"right": "manage_security"}),)


LABELS_OF_CONTROLS = {"permission_set": "permission_sets"}


def _with_problems(typed: MultiDict[str, str], problems: Iterable[Problem]) -> TypedForm:
    """Return the form with each problem at the field it names."""
    at_controls: dict[str, list[str]] = {}
    summary: list[Mapping[str, str]] = []
    user = current.snapshot.object("user")
    for problem in problems:
        name = LABELS_OF_CONTROLS.get(problem.field or "", problem.field or "")
        field, said = user.field(name) if name else None, word(problem, "user")
        if name == "permission_sets" or field is not None:
            text = label(field) if field is not None else str(_("Permission sets"))
            at_controls.setdefault(name, []).append(said)
            summary.append({"id": f"f-{name}", "label": text, "text": said})
        else:
            summary.append({"text": said})
    return TypedForm(typed=typed, at_controls=at_controls, summary=summary)


def _form(row: Any, form: TypedForm, status: int = 200) -> ResponseReturnValue:
    snapshot = current.snapshot
    language = snapshot.object("user").field("language")
    return page(
        "setup/user.html",
        status=status,
        row=row,
        form=form,
        user_object=snapshot.object("user"),
        profiles=[(each.name, label(each)) for each in snapshot.all("profile")],
        roles=[(each.name, label(each)) for each in snapshot.all("role")],
        sets=[(each.name, label(each)) for each in sorted(snapshot.all("permission_set"), key=lambda each: label(each).casefold())],
        queues=[(each.id, label(each)) for each in snapshot.all("queue")],
        user_languages=[(value.name, label(value)) for value in language.values] if language is not None else [],
        zones=sorted(available_timezones()),
        may_sign_in=row is not None and members.can_sign_in(current.transaction, row.id),
    )


def _password_page(user_id: str, password: str, *, made: bool) -> ResponseReturnValue:
    return page("setup/user_password.html", row=members.user(current.transaction, user_id), password=password, made=made)


def _refused(user_id: str, problems: Iterable[Problem]) -> ResponseReturnValue:
    back = f"/setup/users/{user_id}"
    title = members.user(current.transaction, user_id).name or ""
    return page("setup/refused.html", status=422, title=title, back=back, problems=[(word(each, "user"), "") for each in problems])
