"""What stands around every page: the app's navigation, what waits for the person, messages of the request before.

Here: the context of `templates/base.html`. Not here: what a page itself shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import flash as keep
from flask import get_flashed_messages, request
from flask_babel import gettext as _

from fieldstone.auth import csrf
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.apps import AppDef, AppItemDef
from fieldstone.metadata.definitions.definition import COLORS
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.notify import inbox
from fieldstone.web.current import current
from fieldstone.workflow.approvals.directory import groups_of
from fieldstone.workflow.approvals.store import open_tasks

APP_COOKIE = "fs_app"
MOST_COUNTED = 100  # in a badge
MOST_OBJECTS = 30  # in the navigation; the rest is found by search


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One entry of the navigation. Without `hue` it is a personal place, with it an object."""

    url: str
    label: str
    icon: str
    hue: int = 0
    count: int | None = None
    current: bool = False
    key: str | None = None


def small() -> dict[str, Any]:
    """Return what a fragment needs of the shell: the token and the language."""
    return {"csrf_token": csrf.token(current.org.settings.secret_key, current.csrf_key), "lang": current.language}


def whole(*, with_toasts: bool = True) -> dict[str, Any]:
    """Return the whole context of the shell; of a page without a person only what it needs. A toast is said once."""
    found = {**small(), "org_name": _org_name(), "toasts": _toasts() if with_toasts else [], "theme": _theme()}
    if current.signed_in is None:
        return found
    app = chosen_app()
    waiting, unread = waiting_counts()
    nav = tuple(_personal(waiting)) + tuple(_objects(app))
    return found | {
        "app": {"label": _label(app), "icon": app.icon} if app is not None else {},
        "apps": [{"label": _label(each), "url": f"/app/{each.name}", "icon": each.icon, "current": each is app} for each in apps()],
        "me": {"name": current.principal.name, "email": current.principal.email},
        "nav": nav,
        "unread": unread,
        "create": list(_creatable(app)),
        "setup_url": "/setup" if current.rights.setup("view_setup") else None,
        "in_setup": request.path.startswith("/setup"),
    }


def _org_name() -> str:
    return current.snapshot.name or "Fieldstone"


def _theme() -> str:
    theme = request.cookies.get("fs_theme", "auto")
    return theme if theme in ("light", "dark", "auto") else "auto"


def _label(definition: AppDef | ObjectDef | None) -> str:
    if definition is None:
        return ""
    return labels.text(definition.label, current.language, current.snapshot.language, definition.name)


def in_sentence(words: str) -> str:
    """Return a label as it stands inside a sentence: "New deal", but "New ERP order". Only Latin script knows the difference."""
    return words[:1].lower() + words[1:] if len(words) > 1 and words[1].islower() else words


def plural(definition: ObjectDef) -> str:
    """Return the name of many records of an object in the reader's language."""
    return labels.text(definition.plural, current.language, current.snapshot.language) or _label(definition)


def apps() -> list[AppDef]:
    """Return the apps the person was given, in their order; all of them for an administrator who was given none."""
    every = [each for each in current.snapshot.all("app") if isinstance(each, AppDef)]
    given = [each for each in every if each.name in current.rights.apps]
    return sorted(given, key=lambda each: (each.order, each.name))


def chosen_app() -> AppDef | None:
    """Return the app the person works in: the one chosen last, else the one with most for them; on the page of an object, one with it."""
    mine = apps()
    wanted = request.cookies.get(APP_COOKIE)
    fullest = max(mine, key=lambda each: len(shown_objects(each)), default=None)
    chosen = next((each for each in mine if each.name == wanted), fullest)
    here = request.path.split("/")[2] if request.path.startswith("/o/") else None
    if here is None or chosen is None or _has(chosen, here):
        return chosen
    return next((each for each in mine if _has(each, here)), chosen)


def _has(app: AppDef, object_name: str) -> bool:
    return any(item.target == object_name for item in app.items)


def _personal(waiting: int) -> Iterator[Place]:
    yield Place(url="/", label=_("Home"), icon="house", current=request.path == "/", key="H")
    yield Place(
        url="/approvals", label=_("Approvals"), icon="inbox", count=waiting or None, current=request.path.startswith("/approvals"), key="A"
    )


def shown_objects(app: AppDef | None) -> list[tuple[ObjectDef, AppItemDef | None]]:
    """Return the objects of the navigation: those of the app that the person may read; without an app all of theirs."""
    visible = current.rights.visible_objects
    if app is None:
        mine = [each for name, each in current.snapshot.objects.items() if name in visible and not each.system]
        return [(each, None) for each in mine[:MOST_OBJECTS]]
    items = [item for item in app.items if item.target is not None and item.target in visible]
    return [(current.snapshot.objects[str(item.target)], item) for item in items[:MOST_OBJECTS]]


def _objects(app: AppDef | None) -> Iterator[Place]:
    letters = _Letters("HAGC")
    for definition, item in shown_objects(app):
        shown = (
            labels.text(item.label, current.language, current.snapshot.language) if item is not None and item.label else plural(definition)
        )
        view = f"?view={item.list_view}" if item is not None and item.list_view else ""
        here = f"/o/{definition.name}"
        yield Place(
            url=here + view,
            label=shown,
            icon=definition.icon,
            hue=hue(definition),
            key=letters.of(definition.name),
            current=request.path == here or request.path.startswith(f"{here}/"),
        )


def _creatable(app: AppDef | None) -> Iterator[Place]:
    letters = _Letters("HAGC")
    for definition, _item in shown_objects(app):
        letter = letters.of(definition.name)
        if current.rights.can(definition.name, "create"):
            yield Place(
                url=f"/o/{definition.name}/new",
                label=_("New %(object)s", object=in_sentence(_label(definition))),
                icon=definition.icon,
                hue=hue(definition),
                key=letter,
            )


class _Letters:
    """Gives each object a letter of its API name that no other one has."""

    def __init__(self, taken: str) -> None:
        self._taken = set(taken)

    def of(self, name: str) -> str | None:
        letter = next((each for each in name.upper() if each.isalpha() and each not in self._taken), None)
        if letter is not None:
            self._taken.add(letter)
        return letter


def hue(definition: ObjectDef | AppDef) -> int:
    """Return the number of the style sheet's hue for an object; one of the twelve, since tiles of objects are never grey."""
    return COLORS.index(definition.color) % 12 + 1 if definition.color in COLORS else 1


def toast(text: str, *, kind: str = "ok", undo: str | None = None) -> None:
    """Have the next page say `text`; `undo` is posted when Undo is pressed."""
    keep(json.dumps({"text": text, "kind": kind, "undo": undo}), "toast")


def _toasts() -> list[Any]:
    return [json.loads(str(message)) for message in get_flashed_messages(category_filter=["toast"])]


def waiting_counts() -> tuple[int, int]:
    """Return how many approvals wait for the person and how many notifications are unread, as far as a badge counts."""
    user_id = current.principal.user_id
    if user_id is None:
        return 0, 0
    groups = groups_of(current.snapshot, current.principal)
    waiting = len(current.transaction.connection.execute(open_tasks(user_id, groups).limit(MOST_COUNTED)).all())
    return waiting, inbox.unread(current.transaction, user_id, MOST_COUNTED)
