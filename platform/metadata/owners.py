"""Owners in expressions: `Owner:User.Email` and `Owner:Queue.Name`, where an owner may be a person or a queue.

Here: what a queue is to expressions, and its fields as formulas over the owner's id. Queues are definitions, no records, so what is known
of them is written into the expression: every engine reads the owner alone, and whoever may read that may read this.
Not here: which names lead here (`scope.py`), the fields of people (their object), who is in a queue (data).
Source: spec/expressions.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.fields import SYSTEM_FIELDS
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.rules import Checked, Resolved, ValueType
from fieldstone.rules.check import described
from fieldstone.rules.functions import FUNCTIONS
from fieldstone.rules.tree import Call, FieldRef, Literal, Node

OWNER, USER_OWNER, QUEUE_OWNER = "owner", "owner:user", "owner:queue"
SPELLINGS = ("Owner:User", "Owner:Queue")  # as an editor offers them

# What `Owner:Queue.` leads to. There are no records of it, and nobody but expressions knows it.
QUEUE = ObjectDef(
    name="queue",
    label={"en": "Queue", "zh-Hans": "队列", "zh-Hant": "佇列"},
    owned_by="none",
    fields={
        "name": FieldDef(name="name", label={"en": "Name", "zh-Hans": "名称", "zh-Hant": "名稱"}, object="queue", type="text"),
        "api_name": FieldDef(
            name="api_name", label={"en": "API name", "zh-Hans": "API 名称", "zh-Hant": "API 名稱"}, object="queue", type="text"
        ),
    },
    system_fields={"id": SYSTEM_FIELDS["id"]},
)
IMPORTED = {"queuename": "name", "queueid": "id", "developername": "api_name"}  # what an imported expression calls them

PREFIX = "queue:"  # before the API name of a queue, where documents name an owner
HERE = (0, 0)  # where nodes stand until they are expanded in a text
BRANCHES = 30  # of one CASE; the rest goes on in its last branch, so that functions never take more arguments than people may write


def queue_field(name: str) -> FieldDef | None:
    """Return the field of a queue called `name`, in any letter case."""
    return QUEUE.field(IMPORTED.get(name.lower(), name))


def of_queue(field: FieldDef, queues: Iterable[QueueDef], language: str) -> Checked:
    """Return a field of the queue that owns the record, as a formula over `owner`: blank where a person does.

    The name is the one in the org's `language`, so that a rule judges everybody's records alike.
    """
    type_ = ValueType.ID if field.name == "id" else ValueType.TEXT
    values = {key(queue): _value(field, queue, language) for queue in queues}
    return _chosen(values, Literal(None, type_, HERE), type_)


def of_user(queues: Iterable[QueueDef]) -> Checked:
    """Return the id of the person who owns the record, as a formula over `owner`: blank where a queue does."""
    return _chosen({key(queue): None for queue in queues}, _owner(), ValueType.ID)


def key(queue: QueueDef) -> str:
    """Return what stands in `owner` for a queue: its id; of one that is not published yet `queue:<name>`, as no record can have it."""
    return queue.id or f"{PREFIX}{queue.name}"


def spelt(owner: str, queues: Iterable[QueueDef]) -> str:
    """Return an owner as a document names it, if it is a queue: ids differ from org to org. Of a person it stays the id."""
    return next((f"{PREFIX}{queue.name}" for queue in queues if queue.id == owner), owner)


def _value(field: FieldDef, queue: QueueDef, language: str) -> str:
    match field.name:
        case "id":
            return key(queue)
        case "name":
            return labels.text(queue.label, language, language, queue.name)
    return queue.name


def _owner() -> FieldRef:
    return FieldRef(Resolved(path=(OWNER,), type=ValueType.ID), HERE, ValueType.ID)


def _chosen(values: Mapping[str, str | None], otherwise: Node, type_: ValueType) -> Checked:
    """Return CASE(owner, id, value, …, otherwise)."""
    (case,) = FUNCTIONS["CASE"]
    pairs = [(Literal(id_, ValueType.ID, HERE), Literal(value, type_, HERE)) for id_, value in values.items()]
    node = otherwise
    for start in range(0, len(pairs), BRANCHES):
        flat = [part for pair in pairs[start : start + BRANCHES] for part in pair]
        node = Call(case, (_owner(), *flat, node), HERE, type_)
    return described(QUEUE_OWNER, node, False, ())
