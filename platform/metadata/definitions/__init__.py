"""Definitions: a frozen dataclass per kind, a file per kind.

Here: what each definition says, in types. They are built by `metadata/load.py` from documents their meta-schema has accepted.
Not here: checking (`check.py`), the table of kinds (`kinds.py`).
"""

from fieldstone.metadata.definitions.approval_processes import (
    ActionNodeDef,
    ApprovalProcessDef,
    ApproveNodeDef,
    BranchNodeDef,
    CcNodeDef,
    EntryDef,
    GuardedDef,
    LockDef,
    Node,
    NodeBranch,
)
from fieldstone.metadata.definitions.apps import AppDef, AppItemDef
from fieldstone.metadata.definitions.automations import AutomationDef, TriggerDef
from fieldstone.metadata.definitions.definition import COLORS, Audience, Definition, GuidanceDef, Identity, Label, PathDef, SortKey
from fieldstone.metadata.definitions.email_templates import EmailTemplateDef
from fieldstone.metadata.definitions.layouts import (
    ButtonDef,
    Conditions,
    HighlightPanelDef,
    ItemDef,
    PageLayoutDef,
    RelatedListDef,
    SectionDef,
    TabDef,
)
from fieldstone.metadata.definitions.list_views import BoardDef, CalendarDef, ColumnDef, ListViewDef
from fieldstone.metadata.definitions.objects import FieldDef, KeyDef, ObjectDef, PicklistValue
from fieldstone.metadata.definitions.permission_sets import OBJECT_RIGHTS, SETUP_RIGHTS, ObjectRights, PermissionSetDef, ProfileDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.definitions.roles import RoleDef
from fieldstone.metadata.definitions.settings import CustomPermissionDef, CustomSettingDef
from fieldstone.metadata.definitions.steps import (
    Assignment,
    AssignStep,
    BranchStep,
    EmailStep,
    ErrorStep,
    NotifyStep,
    PersonSource,
    Step,
    StepBranch,
    UpdateStep,
)
from fieldstone.metadata.definitions.translations import TranslationDef
from fieldstone.metadata.definitions.validation_rules import ValidationRuleDef
from fieldstone.metadata.definitions.value_sets import ValueSetDef

__all__ = [
    "COLORS",
    "OBJECT_RIGHTS",
    "SETUP_RIGHTS",
    "ActionNodeDef",
    "AppDef",
    "AppItemDef",
    "ApprovalProcessDef",
    "ApproveNodeDef",
    "AssignStep",
    "Assignment",
    "Audience",
    "AutomationDef",
    "BoardDef",
    "BranchNodeDef",
    "BranchStep",
    "ButtonDef",
    "CalendarDef",
    "CcNodeDef",
    "ColumnDef",
    "Conditions",
    "CustomPermissionDef",
    "CustomSettingDef",
    "Definition",
    "EmailStep",
    "EmailTemplateDef",
    "EntryDef",
    "ErrorStep",
    "FieldDef",
    "GuardedDef",
    "GuidanceDef",
    "HighlightPanelDef",
    "Identity",
    "ItemDef",
    "KeyDef",
    "Label",
    "ListViewDef",
    "LockDef",
    "Node",
    "NodeBranch",
    "NotifyStep",
    "ObjectDef",
    "ObjectRights",
    "PageLayoutDef",
    "PathDef",
    "PermissionSetDef",
    "PersonSource",
    "PicklistValue",
    "ProfileDef",
    "QueueDef",
    "RecordTypeDef",
    "RelatedListDef",
    "RoleDef",
    "SectionDef",
    "SortKey",
    "Step",
    "StepBranch",
    "TabDef",
    "TranslationDef",
    "TriggerDef",
    "UpdateStep",
    "ValidationRuleDef",
    "ValueSetDef",
]
