"""Sixth stage: does anything depend on itself, or on too long a chain?

Here: formulas, roll-ups and defaults; masters; roles; controlling picklists. A cycle is shown whole.
Not here: the order in which things are computed (`snapshot.py`).
Source: spec/metadata.md, section 4, "Graph".
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from fieldstone import limits
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.roles import RoleDef
from fieldstone.metadata.expression_names import names_in

N = TypeVar("N", bound=Hashable)
EDGES = frozenset({"formula", "relation", "to", "controlled_by", "children"})  # options of fields by which one depends on another
Node = tuple[str, str]  # (object, field) in lower case


def check_graph(proposed: Proposed) -> None:
    """Note every cycle and every chain that is too long: a new one goes through something that has changed."""
    _roles(proposed)
    if proposed.moved is not None and not any(_makes_edges(part) for part in proposed.changed_parts):
        return
    _computed(proposed)
    _defaults(proposed)
    _masters(proposed)
    _controllers(proposed)


def _makes_edges(part: object) -> bool:
    if not isinstance(part, Mapping):
        return True
    default = part.get("default")
    return bool(EDGES & part.keys()) or (isinstance(default, str) and default.startswith("="))


def _computed(proposed: Proposed) -> None:
    fields = {(definition.name.lower(), field.name.lower()): (definition, field) for _, definition, field in proposed.fields()}
    edges = {
        node: tuple(dict.fromkeys(_reads(proposed, *there))) for node, there in fields.items() if there[1].type in ("formula", "roll_up")
    }
    for cycle in cycles(edges):
        field = fields[cycle[0]][1]
        shown = " → ".join(_full(proposed, node) for node in (*cycle, cycle[0]))
        proposed.refuse(field.path, ("fields", field.name, "formula" if field.formula else "relation"), "cycle", cycle=shown)
    depths, levels = _depths(edges, lambda node: 1), _depths(edges, lambda node: 1 if fields[node][1].type == "roll_up" else 0)
    for node, (_, field) in fields.items():
        if depths.get(node, 0) > limits.FORMULA_DEPTH:
            proposed.refuse(field.path, ("fields", field.name), "too_deep", limit=limits.FORMULA_DEPTH, count=depths[node])
        elif levels.get(node, 0) > limits.DERIVED_LEVELS:
            proposed.refuse(field.path, ("fields", field.name), "too_deep", limit=limits.DERIVED_LEVELS, count=levels[node])


def _full(proposed: Proposed, node: Node) -> str:
    definition = proposed.object(node[0])
    field = definition.field(node[1]) if definition is not None else None
    return f"{definition.name}.{field.name}" if definition is not None and field is not None else ".".join(node)


def _reads(proposed: Proposed, definition: ObjectDef, field: FieldDef) -> Iterator[Node]:
    if field.type == "formula":
        yield from _steps(proposed, definition.name, field.formula or "")
        return
    related = proposed.names.relation(definition.name, field.relation or "")
    if related is not None:
        child = related[0].lower()
        if field.field is not None:
            yield (child, field.field.lower())
        if field.filter is not None:
            yield from _steps(proposed, child, field.filter)


def _steps(proposed: Proposed, of: str, source: str) -> Iterator[Node]:
    for name in names_in(source):
        if not name.endswith("(") and not name.startswith("$"):
            yield from proposed.names.steps(of, name)


def _defaults(proposed: Proposed) -> None:
    """Defaults may read fields with defaults, in order."""
    edges: dict[Node, tuple[Node, ...]] = {}
    fields: dict[Node, FieldDef] = {}
    for _, definition, field in proposed.fields():
        node = (definition.name.lower(), field.name.lower())
        fields[node] = field
        source = field.default_formula if field.default_formula is not None else field.formula
        if source is not None:
            edges[node] = tuple(step for step in _steps(proposed, definition.name, source) if step[0] == node[0])
    for cycle in cycles(edges):
        reading = [node for node in cycle if fields[node].default_formula is not None]
        if reading:
            shown = " → ".join(".".join(node) for node in (*cycle, cycle[0]))
            field = fields[reading[0]]
            proposed.refuse(field.path, ("fields", field.name, "default"), "cycle", cycle=shown)


def _masters(proposed: Proposed) -> None:
    edges = {definition.name.lower(): tuple(_masters_of(definition)) for definition in proposed.definitions.objects.values()}
    for cycle in cycles(edges):
        definition = proposed.object(cycle[0])
        assert definition is not None
        master = next(field for field in definition.fields.values() if field.type == "master_detail")
        proposed.refuse(master.path, ("fields", master.name, "to"), "cycle", cycle=" → ".join((*cycle, cycle[0])))


def _masters_of(definition: ObjectDef) -> Iterator[str]:
    return (field.to.lower() for field in definition.fields.values() if field.type == "master_detail" and field.to)


def _roles(proposed: Proposed) -> None:
    roles = {role.name.lower(): role for role in proposed.definitions.all("role") if isinstance(role, RoleDef)}
    edges = {name: (role.parent.lower(),) if role.parent else () for name, role in roles.items()}
    for cycle in cycles(edges):
        proposed.refuse(roles[cycle[0]].path, "/parent", "cycle", cycle=" → ".join((*cycle, cycle[0])))


def _controllers(proposed: Proposed) -> None:
    fields = {(definition.name.lower(), field.name.lower()): field for _, definition, field in proposed.fields()}
    edges: dict[Node, tuple[Node, ...]] = {
        node: ((node[0], field.controlled_by.lower()),) if field.controlled_by else () for node, field in fields.items()
    }
    for cycle in cycles(edges):
        if len(cycle) > 1:  # a field that controls itself has been refused
            field = fields[cycle[0]]
            shown = " → ".join(node[1] for node in (*cycle, cycle[0]))
            proposed.refuse(field.path, ("fields", field.name, "controlled_by"), "cycle", cycle=shown)
    depths = _depths(edges, lambda node: 1)
    for node, field in fields.items():
        if depths.get(node, 0) > limits.PICKLIST_CHAIN:
            way = ("fields", field.name, "controlled_by")
            proposed.refuse(field.path, way, "too_deep", limit=limits.PICKLIST_CHAIN, count=depths[node])


def cycles(edges: Mapping[N, Iterable[N]]) -> list[list[N]]:
    """Return the cycles that a walk along `edges` meets, each once, from the node where the walk entered it."""
    found: list[list[N]] = []
    done: set[N] = set()
    for start in edges:
        if start in done:
            continue
        way: list[N] = []
        places: dict[N, int] = {}
        stack: list[tuple[N, Iterator[N]]] = [(start, iter(edges.get(start, ())))]
        way.append(start)
        places[start] = 0
        while stack:
            node, following = stack[-1]
            step = next(following, None)
            if step is None:
                stack.pop()
                done.add(node)
                del places[way.pop()]
            elif step in places:
                found.append(way[places[step] :])
            elif step not in done and step in edges:
                places[step] = len(way)
                way.append(step)
                stack.append((step, iter(edges[step])))
    return found


def _depths(edges: Mapping[N, Iterable[N]], weight: Callable[[N], int]) -> dict[N, int]:
    """Return how long the longest chain from each node is; nodes in cycles count what lies behind them once."""
    found: dict[N, int] = {}
    for start in edges:
        stack: list[tuple[N, list[N]]] = [(start, [])]
        open_: set[N] = set()
        while stack:
            node, _ = stack[-1]
            if node in found:
                stack.pop()
                continue
            below = [step for step in edges.get(node, ()) if step in edges]
            missing = [step for step in below if step not in found and step not in open_ and step != node]
            if missing:
                open_.add(node)
                stack.extend((step, []) for step in missing)
                continue
            found[node] = weight(node) + max((found.get(step, 0) for step in below), default=0)
            open_.discard(node)
            stack.pop()
    return found
