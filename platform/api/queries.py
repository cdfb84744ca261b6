"""Lists: GET with parameters and POST with JSON ask the same and get the same bytes; groups and related lists.

Here: from parameters or JSON to a `Query`. Not here: what it means (`records/gate`). Source: spec/api.md, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fieldstone.api import values
from fieldstone.api.call import Answer, Call
from fieldstone.api.operations import Param, operation
from fieldstone.api.parameters import check_body, whole
from fieldstone.api.problems import Declined
from fieldstone.errors import NotAllowed, Problem, Refused
from fieldstone.limits import PAGE_RECORDS
from fieldstone.records.query import Expand, Group, Query, Sort

READS = "records:read"
NAME = {"type": "string", "minLength": 1, "maxLength": 400}
NAMES = {"type": "array", "items": NAME, "minItems": 1, "maxItems": 200}
LEVELS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 400}, "minItems": 1, "maxItems": 10}
FILTER = {"type": ["string", "object"], "x-beyond-schema": "an expression or a filter tree"}
COUNTED = re.compile(r"(count|count_distinct|sum|avg|min|max)\(([A-Za-z0-9_.]*)\)")
LIST = {"limit": {"type": "integer", "minimum": 1, "maximum": PAGE_RECORDS}}
EXPANSION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"select": NAMES, "filter": FILTER, "sort": LEVELS, **LIST},
}
GROUP = {
    "anyOf": [
        NAME,
        {
            "type": "object",
            "required": ["field"],
            "additionalProperties": False,
            "properties": {
                "field": NAME,
                "by": {"enum": ["value", "day", "week", "month", "quarter", "year"]},
                "as": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
            },
        },
    ]
}
QUERY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "select": NAMES,
        "filter": FILTER,
        "sort": LEVELS,
        **LIST,
        "cursor": {"type": "string", "x-beyond-schema": "`next` of the page before"},
        "view": {"type": "string", "minLength": 1, "maxLength": 80},
        "scope": {"enum": ["all", "mine", "team"]},
        "deleted": {"enum": ["exclude", "include", "only"]},
        "count": {"enum": ["none", "capped", "exact"]},
        "expand": {"type": "object", "maxProperties": 10, "additionalProperties": EXPANSION},
        "group": {"type": "array", "minItems": 1, "maxItems": 3, "items": GROUP},
        "aggregate": {"type": "object", "minProperties": 1, "maxProperties": 20, "additionalProperties": {"type": "string"}},
        "numbers": {"enum": ["number", "text"]},
    },
}
DOCS = {
    "select": "Fields, also of parents (`account.name`), with commas; without it all that may be read.",
    "filter": "An expression, or a filter tree as JSON text.",
    "sort": "Fields with commas; `-` before one turns it round.",
    "limit": "How many records, at most.",
    "cursor": "`next` of the page before.",
    "view": "API name of a list view to start from.",
    "scope": "Mine, my team's (mine and of roles below), or all.",
    "deleted": "Whether records in the recycle bin are in the list.",
    "count": "Whether to count: `capped` stops at 10,000.",
    "expand": "Names of child lists with commas, the first 20 of each.",
    "group": "Up to three fields with commas.",
    "aggregate": 'What to compute for each group, as JSON text: {"n":"count()","total":"sum(amount)"}.',
}


def _param(name: str) -> Param:
    schema: Mapping[str, Any] = QUERY["properties"][name]
    if name in ("filter", "cursor", "aggregate"):
        schema = {"type": "string", "minLength": 1, "x-beyond-schema": DOCS[name]}
    elif name == "group":
        schema = {**NAMES, "maxItems": 3}
    elif name == "expand":
        schema = {**NAMES, "maxItems": 10}
    return Param(name=name, schema=schema, doc=DOCS[name])


PARAMS = tuple(_param(name) for name in DOCS)
RELATED = tuple(each for each in PARAMS if each.name not in ("view", "scope", "deleted", "group", "aggregate"))


@operation("GET", "/records/{object}", "List records.", scope=READS, params=PARAMS, answers={200: "page"}, refusals=(403, 404, 422))
def list_records(call: Call, object_name: str) -> Answer:
    """A page of records, or groups of them."""
    return _answer(call, object_name, _of_parameters(call.query))


@operation("POST", "/records/{object}/query", "List records; the query as JSON.", scope=READS, body=QUERY, answers={200: "page"},
           refusals=(403, 404, 422))  # fmt: skip
def query_records(call: Call, object_name: str) -> Answer:
    """The same list, the query as JSON."""
    if "numbers" in call.body:
        call.query["numbers"] = call.body["numbers"]
    return _answer(call, object_name, call.body)


@operation("GET", "/records/{object}/{id}/related/{relationship}", "List the children of a record.", scope=READS, params=RELATED,
           answers={200: "related"}, refusals=(403, 404, 422))  # fmt: skip
def related_records(call: Call, object_name: str, record_id: str, relationship: str) -> Answer:
    """A page of the children of one record."""
    definition = call.object(object_name)
    relation = call.snapshot.relation(definition.name, relationship)
    query = _query(relation.child.name if relation is not None else definition.name, _of_parameters(call.query))
    return Answer(_page(call.gate.related(definition.name, record_id, relationship, query)))


def _of_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON form of a GET's parameters."""
    asked = {name: value for name, value in given.items() if name != "numbers"}
    if isinstance(asked.get("filter"), str) and asked["filter"].lstrip().startswith("{"):
        asked["filter"] = _json("filter", asked["filter"])
    if "aggregate" in asked:
        asked["aggregate"] = _json("aggregate", asked["aggregate"])
    if "expand" in asked:
        asked["expand"] = {name: {} for name in asked["expand"]}
    try:
        check_body(QUERY, asked)
    except Refused as refused:
        raise Declined(400, "malformed", refused.problems) from None
    return asked


def _json(name: str, text: str) -> Any:
    try:
        return values.parse(text.encode("utf-8", "surrogatepass"))
    except Declined as declined:
        problems = [each.at(pointer=f"/{name}") for each in declined.problems]
        raise Declined(400, "malformed", problems) from None


def _answer(call: Call, object_name: str, asked: Mapping[str, Any]) -> Answer:
    definition = call.object(object_name)
    if asked.get("deleted", "exclude") != "exclude" and not call.rights.can(definition.name, "delete"):
        raise NotAllowed(f"{definition.name}.delete")
    if "group" in asked or "aggregate" in asked:
        return _groups(call, definition.name, asked)
    return Answer(_page(call.gate.read(_query(definition.name, asked))))


def _query(object_name: str, asked: Mapping[str, Any]) -> Query:
    return Query(
        object=object_name,
        select=tuple(asked["select"]) if "select" in asked else None,
        filter=_filter(asked),
        sort=_sorts(asked),
        limit=whole(asked.get("limit")) or 50,
        cursor=asked.get("cursor"),
        view=asked.get("view"),
        scope=asked.get("scope", "all"),
        deleted=asked.get("deleted", "exclude"),
        count=asked.get("count", "none"),
        expand={name: _expansion(each) for name, each in asked.get("expand", {}).items()},
    )


def _filter(asked: Mapping[str, Any]) -> Any:
    found = asked.get("filter")
    return None if isinstance(found, str) and not found.strip() else found


def _sorts(asked: Mapping[str, Any]) -> tuple[Sort, ...]:
    return tuple(Sort.parse(each) for each in asked.get("sort", ()))


def _expansion(asked: Mapping[str, Any]) -> Expand:
    return Expand(
        select=tuple(asked["select"]) if "select" in asked else None,
        filter=_filter(asked),
        sort=_sorts(asked),
        limit=whole(asked.get("limit")) or 20,
    )


def _page(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"records": page.records, "next": page.next}
    if page.count is not None:
        found["count"] = {"value": page.count.value, "exact": page.count.exact}
    return found


def _groups(call: Call, object_name: str, asked: Mapping[str, Any]) -> Answer:
    unfit = sorted(set(asked) & {"select", "sort", "cursor", "expand", "count", "limit"})
    if unfit:
        problems = [Problem(code="not_with_groups", params={"name": name}, pointer=f"/{name}") for name in unfit]
        raise Refused(problems, code="invalid_filter")
    wanted: dict[str, tuple[str, str | None]] = {}
    for name, text in asked.get("aggregate", {"n": "count()"}).items():
        found = COUNTED.fullmatch(text.replace(" ", ""))
        if found is None:
            raise Refused(
                Problem(code="unknown_aggregate", params={"name": text[:60]}, pointer=f"/aggregate/{values.pointed(name)}"),
                code="invalid_filter",
            )
        wanted[name] = (found[1], found[2] or None)
    query = _query(object_name, {name: asked[name] for name in ("filter", "view", "scope", "deleted") if name in asked})
    if "group" not in asked:
        return Answer({"groups": [call.gate.totals(query, wanted)], "next": None})
    by = [
        Group(field=each) if isinstance(each, str) else Group(field=each["field"], by=each.get("by", "value"), name=each.get("as", ""))
        for each in asked["group"]
    ]
    keys = [each.key for each in by]
    if len({*keys, *wanted}) < len(keys) + len(wanted):
        raise Refused(Problem(code="same_name", pointer="/group"), code="invalid_filter")
    return Answer({"groups": call.gate.groups(query, by, wanted), "next": None})
