"""The pages of Setup by subject, as its side navigation, its home and its search offer them.

Here: one line a page: address, icon, what it is for, which Setup rights open it. Not here: the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import request
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from fieldstone.web.current import current
from fieldstone.web.setup import bp


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage:
    """One entry. Whoever holds one of `rights` sees it; the page itself admits them (`@admit(setup(...))`)."""

    url: str
    label: LazyString
    note: LazyString
    icon: str
    hue: str
    rights: tuple[str, ...]

    @property
    def current(self) -> bool:
        """Whether the request is for this page or one below it."""
        return request.path == self.url or request.path.startswith(f"{self.url}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupGroup:
    """Pages on one subject."""

    label: LazyString
    pages: tuple[SetupPage, ...]


GROUPS: tuple[SetupGroup, ...] = (
    SetupGroup(
        label=_l("Build"),
        pages=(
            SetupPage(
                url="/setup/objects",
                label=_l("Objects and fields"),
                note=_l("What the org keeps, and how it is shown and checked"),
                icon="boxes",
                hue="violet",
                rights=("customize",),
            ),
            SetupPage(
                url="/setup/value-sets",
                label=_l("Value sets"),
                note=_l("Picklist values that several fields share"),
                icon="list-checks",
                hue="teal",
                rights=("customize",),
            ),
            SetupPage(
                url="/setup/changes",
                label=_l("Changes"),
                note=_l("What was published when and by whom, with the way back"),
                icon="history",
                hue="sky",
                rights=("customize",),
            ),
        ),
    ),
    SetupGroup(
        label=_l("Automate"),
        pages=(
            SetupPage(
                url="/setup/approvals",
                label=_l("Approvals"),
                note=_l("Who decides about a record, in which order"),
                icon="stamp",
                hue="amber",
                rights=("manage_automation",),
            ),
            SetupPage(
                url="/setup/jobs",
                label=_l("Background work"),
                note=_l("What waits, runs and gave up"),
                icon="workflow",
                hue="sky",
                rights=("manage_automation",),
            ),
            SetupPage(
                url="/setup/mailbox",
                label=_l("Mailbox"),
                note=_l("Every mail that was written"),
                icon="mail",
                hue="teal",
                rights=("manage_automation",),
            ),
        ),
    ),
    SetupGroup(
        label=_l("People and rights"),
        pages=(
            SetupPage(
                url="/setup/users",
                label=_l("Users"),
                note=_l("Who works here, what they may do, their passwords"),
                icon="user-round",
                hue="violet",
                rights=("manage_users",),
            ),
            SetupPage(
                url="/setup/permissions",
                label=_l("Permissions"),
                note=_l("Rights on objects and fields, as matrices"),
                icon="key-round",
                hue="green",
                rights=("manage_security",),
            ),
            SetupPage(
                url="/setup/roles",
                label=_l("Roles"),
                note=_l("Who sees whose records"),
                icon="network",
                hue="sky",
                rights=("manage_security",),
            ),
            SetupPage(
                url="/setup/queues",
                label=_l("Queues"),
                note=_l("Groups that own records and decide approvals"),
                icon="users",
                hue="teal",
                rights=("manage_security",),
            ),
        ),
    ),
    SetupGroup(
        label=_l("Data"),
        pages=(
            SetupPage(
                url="/imports",
                label=_l("Imports"),
                note=_l("Files that become records: checked first, then run, with a report"),
                icon="upload",
                hue="sky",
                rights=("import",),
            ),
        ),
    ),
    SetupGroup(
        label=_l("The org"),
        pages=(
            SetupPage(
                url="/setup/org",
                label=_l("Org"),
                note=_l("Name and time zone"),
                icon="building-2",
                hue="sky",
                rights=("customize",),
            ),
            SetupPage(
                url="/setup/packs",
                label=_l("Packs"),
                note=_l("What is installed and what could be"),
                icon="package",
                hue="violet",
                rights=("manage_packs",),
            ),
            SetupPage(
                url="/setup/audit",
                label=_l("Audit log"),
                note=_l("Who did what"),
                icon="scroll-text",
                hue="amber",
                rights=("view_audit",),
            ),
        ),
    ),
)


def groups() -> Iterator[SetupGroup]:
    """Yield the groups with the pages that the person may open; groups without any are left out."""
    for group in GROUPS:
        mine = tuple(page for page in group.pages if any(current.rights.setup(right) for right in page.rights))
        if mine:
            yield SetupGroup(label=group.label, pages=mine)


@bp.record
def _install(state: BlueprintSetupState) -> None:
    """Give Setup's templates the navigation."""
    state.app.jinja_env.globals.update(setup_groups=groups)
