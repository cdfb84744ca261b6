"""Filters as trees: what a filter builder stores, printed as the expression that means the same.

Here: `printed`, one operator per line of `OPERATORS`; a tree with `related` or `my_team` cannot be printed and is taken apart by
`gate/conditions.py`.
Not here: what the fields are (the caller's `describe`), SQL.
Source: spec/api.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from fieldstone.errors import Problem, Refused
from fieldstone.limits import FILTER_NODES
from fieldstone.records.periods import period
from fieldstone.records.query import Tree
from fieldstone.rules.parse import parse

COMBINED = ("and", "or", "not")
LEAF_KEYS = frozenset({"field", "op", "value"})
RELATED_KEYS = frozenset({"related", "match", "where"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What a leaf needs to know of its field: how it is spelt in an expression, its type, and how a raw value becomes a typed one."""

    name: str
    type: str  # result type of the field
    typed: Callable[[Any], Any]  # raises Refused for a value that does not fit the field


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """What printing a tree takes from its surroundings."""

    describe: Callable[[str], Operand]  # raises Refused for a name that is no field for this reader
    today: date
    midnight: Callable[[date], datetime]  # the beginning of a day in the reader's zone, in UTC


def printed(tree: Tree, using: Printing) -> str:
    """Return the expression that means what `tree` means. Raises Refused (`invalid_filter`), with a pointer, if it means nothing."""
    require_size(tree)
    return _print(tree, using, "")


def require_size(tree: Tree) -> None:
    """Raise Refused for a tree with more nodes than a filter may have."""
    nodes = sum(1 for _ in _nodes(tree))
    if nodes > FILTER_NODES:
        raise _refuse("limit_exceeded", "", name="filter_nodes", count=nodes, limit=FILTER_NODES)


def needs_sql(tree: Tree) -> bool:
    """Whether some part of `tree` has no expression: children of the record, people below the reader."""
    return any("related" in node or node.get("op") == "my_team" for node in _nodes(tree))


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            for key in ("and", "or"):
                if isinstance(node.get(key), list):
                    waiting += node[key]
            waiting += [node[key] for key in ("not", "where") if key in node]


def check_shape(tree: Any, pointer: str) -> str:
    """Return which kind of node `tree` is: and, or, not, expression, related or field. Raises Refused for any other shape."""
    if isinstance(tree, Mapping):
        keys = set(tree)
        for kind in ("and", "or", "not", "expression"):
            if keys == {kind}:
                wanted = {"and": list, "or": list, "not": Mapping, "expression": str}[kind]
                if isinstance(tree[kind], wanted) and tree[kind]:
                    return kind
        if (
            "related" in keys
            and keys <= RELATED_KEYS
            and isinstance(tree["related"], str)
            and tree.get("match", "some") in ("some", "none")
        ):
            return "related"
        if {"field", "op"} <= keys <= LEAF_KEYS and isinstance(tree["field"], str) and isinstance(tree["op"], str):
            return "field"
    raise _refuse("filter_shape", pointer)


def _print(tree: Any, using: Printing, pointer: str) -> str:
    match check_shape(tree, pointer):
        case ("and" | "or") as kind:
            parts = [_print(each, using, f"{pointer}/{kind}/{index}") for index, each in enumerate(tree[kind])]
            return parts[0] if len(parts) == 1 else f"{kind.upper()}({', '.join(parts)})"
        case "not":
            return f"NOT({_print(tree['not'], using, f'{pointer}/not')})"
        case "expression":
            return _by_itself(tree["expression"], f"{pointer}/expression")
        case "field":
            return _leaf(tree, using, pointer)
    raise _refuse("filter_shape", pointer)  # `related` has no expression; the caller took it out


def _by_itself(source: str, pointer: str | None) -> str:
    """Return an expression that can stand inside another one. Raises Refused for a text that closes what it did not open."""
    try:
        parse(source)
    except Refused as refused:
        place = None if pointer is None else f"/filter{pointer}"
        raise Refused([problem.at(pointer=place) for problem in refused.problems], code="invalid_filter") from None
    return f"({source})"


def _leaf(leaf: Tree, using: Printing, pointer: str) -> str:
    operator = OPERATORS.get(leaf["op"])
    if operator is None:
        raise _refuse("unknown_operator", f"{pointer}/op", name=leaf["op"])
    operand = using.describe(leaf["field"])
    try:
        return operator(operand, leaf.get("value"), using)
    except Refused as refused:
        raise Refused([problem.at(pointer=f"/filter{pointer}/value") for problem in refused.problems], code="invalid_filter") from None


def _compare(sign: str) -> Callable[[Operand, Any, Printing], str]:
    def compare(operand: Operand, value: Any, using: Printing) -> str:
        if value is None or value == "":
            if sign in ("=", "<>"):
                return f"ISBLANK({operand.name})" if sign == "=" else f"NOT(ISBLANK({operand.name}))"
            raise _refuse("value_missing")
        return f"{operand.name} {sign} {_literal(operand, value)}"

    return compare


def _among(operand: Operand, value: Any, using: Printing) -> str:
    values = _list(value)
    named = [each for each in values if each is not None and each != ""]
    parts = [f"IN({operand.name}, {', '.join(_literal(operand, each) for each in named)})"] if named else []
    if len(named) < len(values):
        parts.append(f"ISBLANK({operand.name})")
    return parts[0] if len(parts) == 1 else f"OR({', '.join(parts)})"


def _between(operand: Operand, value: Any, using: Printing) -> str:
    values = _list(value)
    if len(values) != 2 or None in values:
        raise _refuse("two_values")
    low, high = (_literal(operand, each) for each in values)
    return f"AND({operand.name} >= {low}, {operand.name} <= {high})"


def _text(pattern: str) -> Callable[[Operand, Any, Printing], str]:
    def matches(operand: Operand, value: Any, using: Printing) -> str:
        if not isinstance(value, str) or not value:
            raise _refuse("value_missing")
        return pattern.format(f=operand.name, v=_quoted(value))

    return matches


def _negated(operator: Callable[[Operand, Any, Printing], str]) -> Callable[[Operand, Any, Printing], str]:
    return lambda operand, value, using: f"NOT({operator(operand, value, using)})"


def _includes(joint: str) -> Callable[[Operand, Any, Printing], str]:
    def includes(operand: Operand, value: Any, using: Printing) -> str:
        parts = [f"INCLUDES({operand.name}, {_quoted(str(each))})" for each in _list(value)]
        return parts[0] if len(parts) == 1 else f"{joint}({', '.join(parts)})"

    return includes


def _in_period(operand: Operand, value: Any, using: Printing) -> str:
    bounds = period(value, using.today) if isinstance(value, str) else None
    if bounds is None or operand.type not in ("date", "datetime"):
        raise _refuse("unknown_period", name=str(value))
    start, end = (literal(each) if operand.type == "date" else literal(using.midnight(each)) for each in bounds)
    return f"AND({operand.name} >= {start}, {operand.name} < {end})"


_CONTAINS = _text("CONTAINS(LOWER({f}), LOWER({v}))")
_STARTS_WITH = _text("BEGINS(LOWER({f}), LOWER({v}))")
_ENDS_WITH = _text("RIGHT(LOWER({f}), LEN({v})) = LOWER({v})")

OPERATORS: Mapping[str, Callable[[Operand, Any, Printing], str]] = {
    "eq": _compare("="),
    "ne": _compare("<>"),
    "lt": _compare("<"),
    "le": _compare("<="),
    "gt": _compare(">"),
    "ge": _compare(">="),
    "in": _among,
    "not_in": _negated(_among),
    "between": _between,
    "contains": _CONTAINS,
    "starts_with": _STARTS_WITH,
    "ends_with": _ENDS_WITH,
    "not_contains": _negated(_CONTAINS),
    "not_starts_with": _negated(_STARTS_WITH),
    "not_ends_with": _negated(_ENDS_WITH),
    "blank": lambda operand, value, using: f"ISBLANK({operand.name})",
    "not_blank": lambda operand, value, using: f"NOT(ISBLANK({operand.name}))",
    "in_period": _in_period,
    "includes_any": _includes("OR"),
    "includes_all": _includes("AND"),
    "me": lambda operand, value, using: f"{operand.name} = $User.Id",
}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise _refuse("list_wanted")
    return list(value)


def _literal(operand: Operand, value: Any) -> str:
    if isinstance(value, Mapping):
        if set(value) != {"expression"} or not isinstance(value["expression"], str):
            raise _refuse("filter_shape")
        return _by_itself(value["expression"], None)
    typed = operand.typed(value)
    if operand.type == "percent":
        typed = typed / 100  # stored and sent in points, a fraction in expressions
    return literal(typed)


def literal(value: Any) -> str:
    """Return a typed value as an expression spells it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case Decimal() | int():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case datetime():
            utc = value.astimezone(UTC)
            return f'DATETIMEVALUE("{utc.year:04d}-{utc:%m-%d %H:%M:%S}")'
        case date():
            return f"DATE({value.year}, {value.month}, {value.day})"
        case time():
            return f'TIMEVALUE("{value:%H:%M:%S}.{value.microsecond // 1000:03d}")'
    return _quoted(str(value))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refuse(code: str, pointer: str | None = None, **params: object) -> Refused:
    place = None if pointer is None else f"/filter{pointer}"
    return Refused(Problem(code=code, params=params, pointer=place), code="invalid_filter")
