"""Tree, scope and use to a checked expression, or to every problem with its place.

Here: what names and functions mean, which types fit, what the place where the expression stands allows.
Not here: how an expression is written (`parse`), what names there are (the scope), what functions do (`functions/`).
Source: spec/expressions.md, sections 2 to 5 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from functools import cache

from fieldstone.errors import Problem, Refused
from fieldstone.rules import advice, bounds
from fieldstone.rules.functions import ELSEWHERE, FUNCTIONS, INSTEAD, OPERATORS, OTHERWISE, PREFIXES, UNSUPPORTED
from fieldstone.rules.functions.entry import BOOLEAN, Function, Role
from fieldstone.rules.functions.picklist import warn_of_unknown
from fieldstone.rules.parse import UNKNOWN_OPERATOR, Findings, TooManyProblems, read
from fieldstone.rules.scope import Resolved, Scope
from fieldstone.rules.tree import (
    Application,
    Call,
    Checked,
    Constant,
    FieldRef,
    Inlined,
    Literal,
    Name,
    Node,
    Operation,
    Place,
    Syntax,
    bottom_up,
    children,
    parts,
    rebased,
    span_of,
)
from fieldstone.rules.value_types import NO_RESULTS, TEXTS, ValueType, accepts, common


class Use(Enum):
    """Where an expression stands: what it may ask, and what a blank number is there."""

    FORMULA = "formula"
    VALIDATION_RULE = "validation_rule"
    DEFAULT = "default"
    LAYOUT = "layout"
    LOOKUP_FILTER = "lookup_filter"
    ROLLUP_FILTER = "rollup_filter"
    AUTOMATION = "automation"
    APPROVAL = "approval"
    SHARING = "sharing"
    LIST_FILTER = "list_filter"
    TEMPLATE = "template"


class Blanks(Enum):
    """What a blank number, currency or percent field reads as: the one place where the two modes differ."""

    ZERO = "zero"
    BLANK = "blank"


CHANGE_USES = frozenset({Use.VALIDATION_RULE, Use.LAYOUT, Use.AUTOMATION, Use.APPROVAL})
CONDITIONS = frozenset({Use.VALIDATION_RULE, Use.LAYOUT, Use.LOOKUP_FILTER, Use.ROLLUP_FILTER, Use.SHARING, Use.LIST_FILTER})
SQL_USES = frozenset({Use.LOOKUP_FILTER, Use.ROLLUP_FILTER, Use.SHARING, Use.LIST_FILTER})
ORIGIN = "$system.origindatetime"
ORIGIN_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
ROW_GLOBALS = ("$Record", "$Record__Prior")
LIKE_WITH_LIKE = frozenset(["-", "=", "<>", "<", "<=", ">", ">="])  # operators that a date and a datetime go with once one is converted

Expected = ValueType | frozenset[ValueType] | None


def check(source: str, scope: Scope, use: Use, *, expected: Expected = None, blanks: Blanks | None = None) -> Checked:
    """Return the meaning of `source` where it stands.

    `expected` is the type, or the types, that the place takes; conditions are boolean without saying. `blanks` is the null
    mode, by default zero for formula fields and blank everywhere else. Raises Refused with every problem, each with its span.
    """
    checked, found = _checked(source, scope, use, expected, blanks)
    if checked is None:
        raise Refused([p for p in found if not p.warning])
    return checked


def problems(source: str, scope: Scope, use: Use, *, expected: Expected = None, blanks: Blanks | None = None) -> tuple[Problem, ...]:
    """Return everything that `check` would refuse `source` for, and the warnings, in the order of the text."""
    _, found = _checked(source, scope, use, expected, blanks)
    return found


def _checked(source: str, scope: Scope, use: Use, expected: Expected, blanks: Blanks | None) -> tuple[Checked | None, tuple[Problem, ...]]:
    syntax, mistakes = read(source)
    checker = Checker(source, scope, use, list(mistakes))
    node: Node | None = None
    with suppress(TooManyProblems):
        node = checker.tree(syntax, _expected_types(expected, use))
    found = (*sorted(checker.findings.problems, key=_start), *checker.warnings)
    if node is None or checker.findings.problems:
        return None, found
    zero = blanks is Blanks.ZERO if blanks is not None else use is Use.FORMULA
    checked = described(source, node, zero, tuple(checker.warnings))
    # A step goes through one text at most: few nodes cannot be too many steps.
    if checked.size * bounds.TEXT_CHARACTERS > bounds.STEPS and (steps := _steps(node)) > bounds.STEPS:
        checker.findings.add("expression_too_many_steps", (0, len(source)), count=steps // 1_000_000, limit=bounds.STEPS // 1_000_000)
        return None, (*checker.findings.problems, *checker.warnings)
    return checked, found


def _start(problem: Problem) -> int:
    return problem.span.start if problem.span is not None else 0


def _expected_types(expected: Expected, use: Use) -> frozenset[ValueType] | None:
    if expected is None:
        return BOOLEAN if use in CONDITIONS else None
    return expected if isinstance(expected, frozenset) else frozenset({expected})


def described(source: str, node: Node, zero: bool, warnings: tuple[Problem, ...]) -> Checked:
    """Return what is known of a tree before it runs."""
    reads: set[tuple[str, ...]] = set()
    often: set[tuple[str, ...]] = set()
    names: set[tuple[str, ...]] = set()
    size = 0
    user_dependent = uses_now = record_change = fails = markup = False
    no_sql: str | None = None
    todo: list[tuple[Node, bool, int]] = [(node, True, 1)]
    depth = 0
    while todo:
        inner, direct, level = todo.pop()
        size += 1
        depth = max(depth, level)
        if isinstance(inner, Call):
            function = inner.function
            uses_now = uses_now or function.clock
            record_change = record_change or function.record_change
            fails = fails or bool(function.fails)
            markup = markup or function.markup
            if function.no_sql:
                no_sql = no_sql or function.name
            for child in inner.arguments:
                todo.append((child, direct, level + 1))
        elif not isinstance(inner, Literal):
            field = inner.field
            if direct:
                names.add(field.path)
            user_dependent = user_dependent or field.user_dependent
            if isinstance(inner, Inlined):
                todo.append((inner.body, False, level + 1))
            elif not from_context(field):
                (often if field.path in reads else reads).add(field.path)
    return Checked(
        source=source,
        node=node,
        type=node.type,
        zero=zero,
        reads=frozenset(reads),
        reads_often=frozenset(often),
        names=frozenset(names),
        user_dependent=user_dependent,
        uses_now=uses_now,
        record_change=record_change,
        fails=fails,
        markup=markup,
        sql=no_sql is None,
        sql_reason=no_sql,
        size=size,
        depth=depth,
        warnings=warnings,
    )


def _steps(root: Node) -> int:
    """Return how many characters the functions of a tree may have to go through, each text as long as it may be."""
    steps = 0

    def longest(node: Node, below: list[int]) -> int:
        nonlocal steps
        match node:
            case Literal(value=str() as text):
                return len(text)
            case FieldRef(field=field) if node.type in TEXTS:
                return field.length or bounds.SHORT_TEXT
            case Inlined():
                return below[0]
            case Call(function=function):
                steps += 1 if function.joins else 1 + sum(below)  # to copy is nothing beside to look at each
                return min(function.longest_of(below), bounds.TEXT_CHARACTERS) if node.type in TEXTS else 0
        return 0

    bottom_up(root, children, longest)
    return steps


def from_context(field: Resolved) -> bool:
    """Return whether the value comes with the context (`$User`, `$Setup` ...) and not with the row."""
    return field.user_dependent or (field.path[0].startswith("$") and field.path[0] not in ROW_GLOBALS)


@dataclass(slots=True)
class CallSite:
    """One call as its entry sees it while deciding about types (`entry.Site`)."""

    checker: Checker
    name: str
    place: Place
    arguments: Sequence[Syntax]
    nodes: Sequence[Node | None]
    types: Sequence[ValueType | None] = ()
    refused: bool = False

    def __post_init__(self) -> None:
        self.types = [node.type if node is not None else None for node in self.nodes]

    def spend(self, weight: int) -> int:
        self.checker.patterns += weight
        return self.checker.patterns

    def refuse(self, code: str, argument: int | None = None, **params: object) -> None:
        self.refused = True
        place = self.place if argument is None else self.arguments[argument].place
        self.checker.findings.put(code, place, {"function": self.name, **params})

    def warn(self, code: str, argument: int, *, suggestion: str | None = None, **params: object) -> None:
        self.checker.warn(code, self.arguments[argument].place, suggestion=suggestion, **params)


class Checker:
    """One check of one source text."""

    def __init__(self, source: str, scope: Scope, use: Use, mistakes: list[Problem]) -> None:
        self.source = source
        self.scope = scope
        self.use = use
        self.findings = Findings(source, mistakes)
        self.mistaken = bool(mistakes)  # the text could not be read as it stands
        self.warnings: list[Problem] = []
        self.nodes = self.inlined = self.patterns = 0
        self.resolved: dict[str, Resolved | None] = {}

    def warn(self, code: str, place: Place, *, suggestion: str | None = None, **params: object) -> None:
        span = span_of(self.source, place)
        self.warnings.append(Problem(code=code, params=params, span=span, suggestion=suggestion, warning=True))

    def tree(self, syntax: Syntax, expected: frozenset[ValueType] | None) -> Node | None:
        """Return the checked tree, None if something in it is wrong."""
        node = bottom_up(syntax, parts, self.visit)
        if self.mistaken:
            return node  # of what was repaired, the type says nothing
        if node is not None and expected is not None and not accepts(expected, node.type):
            wanted = " | ".join(sorted(t.value for t in expected))
            self.findings.add("expression_result_type", syntax.place, expected=wanted, found=node.type.value)
        elif node is not None and node.type in NO_RESULTS:
            self.findings.add("expression_no_value", syntax.place, found=node.type.value)
        if node is not None and expected is not None and len(expected) == 1:
            node = _as_type(node, next(iter(expected)))
        return node

    def visit(self, syntax: Syntax, below: list[Node | None]) -> Node | None:
        self.nodes += 1
        if self.nodes > bounds.NODES:
            self.findings.add("expression_too_many_parts", syntax.place, limit=bounds.NODES)
            raise TooManyProblems
        match syntax:
            case Constant(value=value, type=type_, place=place):
                return Literal(value, type_, place)
            case Name():
                return self.name(syntax)
            case Operation():
                return self.operation(syntax, below)
            case Application():
                return self.application(syntax, below)
        return None

    # --- names -------------------------------------------------------------------------------------------------------

    def name(self, name: Name) -> Node | None:
        if name.text.lower() == ORIGIN:
            return Literal(ORIGIN_MOMENT, ValueType.DATETIME, name.place)
        if name.text not in self.resolved:
            self.resolved[name.text] = self.scope.resolve(name.text)
        field = self.resolved[name.text]
        if field is None:
            self.unknown_name(name)
            return None
        if len(field.path) > bounds.RELATIONSHIPS + 1:
            self.findings.add("expression_too_many_hops", name.place, name=name.text, limit=bounds.RELATIONSHIPS)
            return None
        if field.type is ValueType.GEOLOCATION:
            return _place(field, name.place)
        if field.formula is None:
            return FieldRef(field, name.place, field.type)
        if field.formula.sql_reason is not None and self.use in SQL_USES:
            self.findings.add("expression_not_filterable", name.place, function=field.formula.sql_reason)
            return None
        self.inlined += field.formula.size
        if self.inlined > bounds.INLINED_NODES:
            self.findings.add("expression_formulas_too_large", name.place, name=name.text, limit=bounds.INLINED_NODES)
            raise TooManyProblems
        body = rebased(_as_type(field.formula.node, field.type), field.path[:-1], name.place)
        return Inlined(field, body, name.place, field.type)

    def unknown_name(self, name: Name) -> None:
        if name.text.upper() in FUNCTIONS:
            function = name.text.upper()
            whole = f"{function}()" if any(entry.takes(0) for entry in FUNCTIONS[function]) else None
            self.findings.add("expression_function_without_parentheses", name.place, suggestion=whole, function=function)
            return
        near = self.scope.nearest(name.text)
        part, lacking = self.scope.lacking(name.text)
        code = "expression_unknown_name" if lacking else "expression_unknown_global"
        self.findings.add(code, name.place, suggestion=near, name=part, object=lacking)

    # --- operators ---------------------------------------------------------------------------------------------------

    def operation(self, operation: Operation, below: list[Node | None]) -> Node | None:
        operator = operation.operator
        chains: Mapping[str, str] = {"&&": "AND", "||": "OR", "!": "NOT"}
        if operator in chains:
            (function,) = FUNCTIONS[chains[operator]]
            written = self.source[slice(*operation.operator_place)].upper()
            site = CallSite(self, written, operation.place, operation.operands, below)
            return self.called(function, site)
        if None in below:
            return None
        operands = [node for node in below if node is not None]
        types = tuple([node.type for node in operands])
        chosen = _operator(operator, types)
        if chosen is not None:
            self.warn_about(operation, operands)
            return Call(chosen, _typed(chosen, operands, chosen.returns), operation.place, chosen.returns)
        if operator != UNKNOWN_OPERATOR:
            self.refuse_operands(operation, types)
        return None

    def refuse_operands(self, operation: Operation, types: Sequence[ValueType]) -> None:
        operator = operation.operator
        if len(types) == 1:
            self.findings.add("expression_operand_type", operation.place, operator=operator, found=types[0].value)
            return
        codes = {
            frozenset({ValueType.NUMBER, ValueType.TEXT}): "expression_number_with_text",
            frozenset({ValueType.NUMBER, ValueType.ID}): "expression_number_with_text",
            frozenset({ValueType.NUMBER, ValueType.PICKLIST}): "expression_number_with_text",
        }
        if operator in LIKE_WITH_LIKE:
            codes[frozenset({ValueType.DATE, ValueType.DATETIME})] = "expression_date_with_datetime"
        code = codes.get(frozenset(types), "expression_operand_types")
        left, right = (t.value for t in types)
        place, meant = operation.operator_place, None
        for operand, other in zip(operation.operands, reversed(types), strict=True):
            if operator in LIKE_WITH_LIKE and (constant := advice.constant_of(operand, other)) is not None:
                place, meant = operand.place, constant
        self.findings.add(code, place, suggestion=meant, operator=operator, left=left, right=right)

    def warn_about(self, operation: Operation, operands: list[Node]) -> None:
        if operation.operator == "^":
            for part in operation.operands:
                if isinstance(part, Operation) and part.operator in ("*", "/") and not part.in_parentheses:
                    self.warn("expression_power_binds_looser", operation.operator_place, operator=part.operator)
                    return
        if operation.operator in ("=", "<>") and any(isinstance(node, Literal) for node in operands):
            if advice.never_equal(*operands):
                self.warn("expression_never_equal_null", operation.place, operator=operation.operator)
            elif (field := advice.no_id(*operands)) is not None:
                self.warn("expression_no_id", operation.place, name=".".join(field.path))
            site = CallSite(self, operation.operator, operation.place, operation.operands, operands)
            warn_of_unknown(site, 0, (1,))
            warn_of_unknown(site, 1, (0,))

    # --- functions ---------------------------------------------------------------------------------------------------

    def application(self, application: Application, below: list[Node | None]) -> Node | None:
        name = application.name.upper()
        candidates = FUNCTIONS.get(name)
        if candidates is None:
            self.unknown_function(application, name)
            return None
        if len(below) > bounds.ARGUMENTS:
            self.findings.add("expression_too_many_arguments", application.name_place, function=name, limit=bounds.ARGUMENTS)
            return None
        site = CallSite(self, name, application.place, application.arguments, below)
        fitting = [f for f in candidates if f.takes(len(below))]
        if not fitting:
            signature = " · ".join(dict.fromkeys(f.signature for f in candidates))
            site.place = application.name_place
            site.refuse("expression_argument_count", signature=signature, found=len(below))
            return None
        if not self.allowed(fitting[0], application):
            return None
        accepting = [f for f in fitting if _accepts(f, site.types)]
        if not accepting:
            self.refuse_arguments(site, fitting)
            return None
        if None in site.types and len({f.returns for f in accepting}) > 1:
            return None
        return self.called(accepting[0], site)

    def called(self, function: Function, site: CallSite) -> Node | None:
        """Return the call of the chosen entry; None if its own rule about types refuses it, or an argument was wrong before."""
        type_ = function.typing(site) if function.typing is not None else function.returns
        if function.name in ("IN", "CASE"):
            count = len(site.nodes)
            warn_of_unknown(site, 0, range(1, count if function.name == "IN" else count - 1, 1 if function.name == "IN" else 2))
        arguments = [node for node in site.nodes if node is not None]
        if type_ is None or site.refused or len(arguments) < len(site.nodes):
            return None
        return Call(function, _typed(function, arguments, type_), site.place, type_, nothing=type_ is ValueType.NULL)

    def unknown_function(self, application: Application, name: str) -> None:
        if name in UNSUPPORTED:
            self.findings.add("expression_unsupported_function", application.name_place, function=name)
            return
        if name in INSTEAD:
            self.findings.add(INSTEAD[name], application.name_place, function=name)
            return
        if name in OTHERWISE:
            self.findings.add("expression_written_otherwise", application.name_place, function=name, how=OTHERWISE[name])
            return
        near = [ELSEWHERE[name]] if name in ELSEWHERE else get_close_matches(name, FUNCTIONS, 1)
        self.findings.add(
            "expression_unknown_function",
            application.name_place,
            suggestion=near[0] if near else None,
            function=application.name,
        )

    def allowed(self, function: Function, application: Application) -> bool:
        """Tell whether the function has a meaning where the expression stands; reported if it has not."""
        name = function.name
        if function.record_change and (self.use not in CHANGE_USES or (self.use is Use.APPROVAL and name == "ISNEW")):
            self.findings.add("expression_function_not_here", application.name_place, function=name)
            return False
        if function.only_in is not None and self.use.value not in function.only_in:
            self.findings.add("expression_only_in_validation_rules", application.name_place, function=name)
            return False
        if function.no_sql and self.use in SQL_USES:
            self.findings.add("expression_not_filterable", application.name_place, function=name)
            return False
        return True

    def refuse_arguments(self, site: CallSite, candidates: Sequence[Function]) -> None:
        """Report each argument that no candidate takes; where only their combination fits none, the first."""
        wrong = [index for index, type_ in enumerate(site.types) if not any(accepts(f.param(index).types, type_) for f in candidates)]
        for index in wrong or [0]:
            found = site.types[index]
            expected = dict.fromkeys(t.value for f in candidates for t in sorted(f.param(index).types, key=lambda t: t.value))
            parameter = candidates[0].param(index).name
            site.refuse(
                "expression_argument_type",
                index,
                parameter=parameter,
                expected=" | ".join(expected),
                found=found.value if found is not None else "",
            )


@cache
def _operator(operator: str, types: tuple[ValueType, ...]) -> Function | None:
    """Return what an operator is between operands of these types, None if it takes no such operands."""
    candidates = (OPERATORS if len(types) == 2 else PREFIXES).get(operator, ())
    if operator in ("=", "<>") and set(types) == {ValueType.NULL}:
        candidates = candidates[1:]  # not as texts, which NULL would be equal for
    fitting = (f for f in candidates if all(accepts(p.types, type_) for p, type_ in zip(f.params, types, strict=True)))
    return next(fitting, None)


def _place(field: Resolved, place: Place) -> Node:
    """Return a field that holds a place as the place that its two parts make; a part is one step of a path: "place.latitude"."""
    (function,) = FUNCTIONS["GEOLOCATION"]
    *way, name = field.path

    def part(word: str) -> Node:
        return FieldRef(replace(field, path=(*way, f"{name}.{word}"), type=ValueType.NUMBER), place, ValueType.NUMBER)

    return Call(function, (part("latitude"), part("longitude")), place, ValueType.GEOLOCATION)


def _typed(function: Function, arguments: Sequence[Node], result: ValueType) -> tuple[Node, ...]:
    """Return the arguments; what is NULL and nothing else gets the type that is wanted in its place."""
    if ValueType.NULL not in [node.type for node in arguments]:
        return tuple(arguments)
    count = len(arguments)
    roles = [function.role(index, count) if function.role is not None else None for index in range(count)]
    values = common(node.type for node, role in zip(arguments, roles, strict=True) if role is Role.VALUE)
    by_role = {Role.CONDITION: ValueType.BOOLEAN, Role.RESULT: result, Role.VALUE: values}

    def wanted(index: int) -> ValueType | bool | None:
        role = roles[index]
        if role is not None:
            return by_role[role]
        types = function.param(index).types
        return next(iter(types)) if len(types) == 1 else None

    return tuple(_as_type(node, wanted(index)) for index, node in enumerate(arguments))


def _as_type(node: Node, type_: ValueType | bool | None) -> Node:
    """Return `node` with a type, if it has none of its own."""
    if node.type is not ValueType.NULL or not isinstance(type_, ValueType):
        return node
    if isinstance(node, Literal):
        return Literal(None, type_, node.place)
    return replace(node, type=type_)


def _accepts(function: Function, types: Sequence[ValueType | None]) -> bool:
    """Return whether the entry takes arguments of these types; conditions are left to the entry's own rule."""
    for index, type_ in enumerate(types):
        wanted = function.param(index).types
        if not (accepts(wanted, type_) or (function.typing is not None and wanted == BOOLEAN)):
            return False
    return True
