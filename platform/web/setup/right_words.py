"""What people call rights: on objects, of Setup.

Here: words. Not here: what a right allows (`records/gate/access.py`).
"""

from __future__ import annotations

from flask_babel import gettext as _


def object_rights() -> list[tuple[str, str]]:
    """Return the rights on an object in the order of the matrix."""
    return [
        ("read", _("Read")), ("create", _("Create")), ("edit", _("Edit")), ("delete", _("Delete")),
        ("view_all", _("View all records")), ("modify_all", _("Change all records")),
    ]  # fmt: skip


def setup_rights() -> list[tuple[str, str, str]]:
    """Return the Setup rights with what each allows."""
    return [
        ("view_setup", _("See Setup"), _("Its home and what one may open there")),
        ("customize", _("Objects and pages"), _("Objects, fields, layouts, list views, validation rules")),
        ("manage_automation", _("Approvals and automation"), _("Approval processes, background jobs")),
        ("manage_templates", _("Templates"), _("Texts of emails")),
        ("manage_packs", _("Packs"), _("Install packs")),
        ("manage_users", _("Users"), _("Make users, assign rights one holds, reset passwords")),
        ("manage_security", _("Rights"), _("Permission sets, profiles, roles, queues")),
        ("manage_integrations", _("Integrations"), _("Tokens and connections of the org")),
        ("manage_keys", _("Keys"), _("Encryption keys")),
        ("manage_privacy", _("Privacy"), _("Requests for personal data")),
        ("view_audit", _("Audit log"), _("Who did what")),
        ("import", _("Import"), _("Load records from files")),
        ("export_org", _("Export everything"), _("The whole org as files")),
        ("mass_update", _("Mass update"), _("Change many records at once")),
        ("transfer_any", _("Hand over any record"), _("Also those of other owners")),
        ("manage_approvals", _("Manage approvals"), _("Stand in where nobody is found, recall, hand on")),
        ("edit_locked", _("Edit locked records"), _("While an approval runs")),
        ("impersonate", _("Sign in as somebody else"), _("With the rights that both hold")),
        ("view_all_data", _("View all data"), _("Every record of the objects one may read")),
        ("modify_all_data", _("Change all data"), _("Every record of the objects one may edit")),
    ]  # fmt: skip
