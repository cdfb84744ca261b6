"""Search over all objects that the caller may read. Source: spec/api.md, section 2; what is found: `records/gate/find.py`."""

from __future__ import annotations

from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import Param, operation
from fieldstone.limits import SEARCH_HITS_AN_OBJECT

Q = Param(name="q", schema={"type": "string", "minLength": 1, "maxLength": 200}, doc="Words to look for.", required=True)
OBJECTS = Param(
    name="objects",
    schema={"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 50},
    doc="Only in these objects; names with commas.",
)
LIMIT = Param(name="limit", schema={"type": "integer", "minimum": 1, "maximum": SEARCH_HITS_AN_OBJECT}, doc="Hits of one object, at most.")
HIT = {"type": "object", "required": ["object", "id", "name"]}
HITS = {"type": "object", "required": ["hits"], "properties": {"hits": {"type": "array", "items": HIT}}}


@operation(
    "GET", "/search", "Find records by their words.", scope="records:read", params=(Q, OBJECTS, LIMIT), answers={200: HITS}, refusals=(404,)
)
def search(call: Call) -> Answer:
    """The records that hold every word in a field that may be read, the best first."""
    objects = call.query.get("objects")
    if objects is not None:
        objects = [call.object(name).name for name in objects]
    hits = call.gate.search(call.query["q"], objects, call.query.get("limit", SEARCH_HITS_AN_OBJECT))
    return Answer({"hits": [{"object": each.object, "id": each.id, "name": each.name} for each in hits]})
