"""The table of kinds: what definitions there are, where their documents lie, who builds them, who may change them.

Here: one line a kind. A new kind is one line here, one in `kind_names.py`, one meta-schema, one file in `definitions/`.
Not here: fields, which stand inside objects and extensions; what a document of a kind may name (`references.py`).
Source: spec/metadata.md, section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fieldstone.metadata.definitions import (
    approval_processes,
    apps,
    automations,
    email_templates,
    layouts,
    list_views,
    permission_sets,
    queues,
    record_types,
    roles,
    settings,
    translations,
    validation_rules,
    value_sets,
)
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.kind_names import FOLDERS, PER_OBJECT

Loader = Callable[[Document, Loading], Definition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of definition. `loader` is None where more than one document makes the definition (`metadata/load.py`)."""

    name: str
    definition: type[Definition]
    loader: Loader | None
    right: str  # the Setup right that its authors need

    @property
    def folder(self) -> str:
        """Where its documents lie."""
        return FOLDERS[self.name]

    @property
    def per_object(self) -> bool:
        """Whether a definition belongs to one object, and its document lies in a folder of that name."""
        return self.name in PER_OBJECT

    @property
    def schema(self) -> str:
        """The `$id` of its meta-schema."""
        return f"urn:fieldstone:1:{self.name}"


def _kind(name: str, definition: type[Definition], loader: Loader | None, right: str = "customize") -> Kind:
    return Kind(name=name, definition=definition, loader=loader, right=right)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _kind("object", ObjectDef, None),
            _kind("object_extension", ObjectDef, None),
            _kind("record_type", record_types.RecordTypeDef, record_types.load_record_type),
            _kind("value_set", value_sets.ValueSetDef, value_sets.load_value_set),
            _kind("page_layout", layouts.PageLayoutDef, layouts.load_page_layout),
            _kind("highlight_panel", layouts.HighlightPanelDef, layouts.load_highlight_panel),
            _kind("list_view", list_views.ListViewDef, list_views.load_list_view),
            _kind("validation_rule", validation_rules.ValidationRuleDef, validation_rules.load_validation_rule),
            _kind("automation", automations.AutomationDef, automations.load_automation, "manage_automation"),
            _kind("approval_process", approval_processes.ApprovalProcessDef, approval_processes.load_approval_process, "manage_automation"),
            _kind("email_template", email_templates.EmailTemplateDef, email_templates.load_email_template, "manage_templates"),
            _kind("app", apps.AppDef, apps.load_app),
            _kind("permission_set", permission_sets.PermissionSetDef, permission_sets.load_permission_set, "manage_security"),
            _kind("profile", permission_sets.ProfileDef, permission_sets.load_profile, "manage_security"),
            _kind("role", roles.RoleDef, roles.load_role, "manage_security"),
            _kind("queue", queues.QueueDef, queues.load_queue, "manage_security"),
            _kind("custom_setting", settings.CustomSettingDef, settings.load_custom_setting),
            _kind("custom_permission", settings.CustomPermissionDef, settings.load_custom_permission, "manage_security"),
            _kind("custom_metadata", settings.CustomMetadataDef, settings.load_custom_metadata),
            _kind("custom_label", settings.CustomLabelDef, settings.load_custom_label),
            _kind("translation", translations.TranslationDef, translations.load_translation),
        )
    }
)
