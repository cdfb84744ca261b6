"""The four rules of `rules_bench` in the public libraries that evaluate expressions, beside Fieldstone and functions written by hand.

    pip install -r bench/libraries.txt
    python -m bench.libraries_bench [rounds]

Here: each library in the fastest way its documentation offers: read once, then evaluated; values that it cannot take (decimals, dates)
are converted before the clock starts. A library that is not installed, or cannot express a rule, is left out with its reason.
Not here: what Fieldstone does beyond an evaluation (types checked before, exact decimals, errors with a place, the same in SQL).

Answers are compared with those of the functions written by hand: those of libraries that know no exact decimals may differ by a cent.
"""

from __future__ import annotations

import ast
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as day_time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bench.rules_bench import BY_HAND, CENT, CONTEXT, RATES, RULES, Row, per_second, ready, records
from fieldstone.rules.python import maker

TODAY = CONTEXT.today
UTC = ZoneInfo("UTC")
Evaluate = Callable[[Any, Any], object]  # of a record in the library's form, and the day


def cents(value: Any) -> Decimal:
    return Decimal(value).quantize(CENT, ROUND_HALF_UP)


def initial(name: str | None) -> str:
    return name[:1].upper() if name else ""


def year(day: date) -> int:
    return day.year


# What libraries that read Python are told besides the record, and the rules as one writes them there.
NAMES: Mapping[str, object] = {f"rate{number}": rate for number, rate in enumerate(RATES, 1)} | {
    "today": TODAY,
    "month": timedelta(days=30),
}
FUNCTIONS: Mapping[str, Callable[..., object]] = {"cents": cents, "initial": initial, "year": year}
PYTHON = {
    "condition": "amount is not None and amount > 10000 and (stage == 'Won' or close_date is None)",
    "text": "initial(first_name) + '. ' + last_name if last_name is not None else company",
    "tiers": (
        "0 if amount is None else cents(amount * rate1 if amount < 10000 else 200 + (amount - 10000) * rate2 if amount < 50000"
        " else 1600 + (amount - 50000) * rate3 if amount < 250000 else 11600 + (amount - 250000) * rate4)"
    ),
    "dates": "close_date is not None and close_date < today + month and year(close_date) == year(today)",
}
ENGINE = {
    "condition": 'amount != null and amount > 10000 and (stage == "Won" or close_date == null)',
    "text": 'last_name == null ? company : $initial(first_name) + ". " + last_name',
    "tiers": (
        "amount == null ? 0 : $cents(amount < 10000 ? amount * 0.02 : (amount < 50000 ? 200 + (amount - 10000) * 0.035 :"
        " (amount < 250000 ? 1600 + (amount - 50000) * 0.05 : 11600 + (amount - 250000) * 0.07)))"
    ),
    "dates": 'close_date != null and close_date < today + t"P30D" and close_date.year == today.year',
}
CEL = {
    "condition": 'has(r.amount) && r.amount > 10000.0 && (r.stage == "Won" || !has(r.close_date))',
    "text": 'has(r.last_name) ? (has(r.first_name) ? initial(r.first_name) : "") + ". " + r.last_name : r.company',
    "tiers": (
        "has(r.amount) ? (r.amount < 10000.0 ? r.amount * 0.02 : (r.amount < 50000.0 ? 200.0 + (r.amount - 10000.0) * 0.035 :"
        " (r.amount < 250000.0 ? 1600.0 + (r.amount - 50000.0) * 0.05 : 11600.0 + (r.amount - 250000.0) * 0.07))) : 0.0"
    ),
    "dates": 'has(r.close_date) && r.close_date < today + duration("720h") && r.close_date.getFullYear() == today.getFullYear()',
}
AMOUNT = {"var": "amount"}
LOGIC: Mapping[str, Any] = {
    "condition": {"and": [{"above": [AMOUNT, 10000]}, {"or": [{"==": [{"var": "stage"}, "Won"]}, {"!": {"var": "close_date"}}]}]},
    "text": {"if": [{"var": "last_name"}, {"cat": [{"initial": {"var": "first_name"}}, ". ", {"var": "last_name"}]}, {"var": "company"}]},
    "tiers": {
        "if": [
            {"blank": AMOUNT}, 0,
            {"above": [10000, AMOUNT]}, {"tier": [0, AMOUNT, 0, RATES[0]]},
            {"above": [50000, AMOUNT]}, {"tier": [200, AMOUNT, 10000, RATES[1]]},
            {"above": [250000, AMOUNT]}, {"tier": [1600, AMOUNT, 50000, RATES[2]]},
            {"tier": [11600, AMOUNT, 250000, RATES[3]]},
        ]
    },
    "dates": {"and": [{"var": "close_date"}, {"within_month": {"var": "close_date"}}, {"this_year": {"var": "close_date"}}]},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule in one library."""

    evaluate: Evaluate
    rows: list[Any]
    read: Callable[[], object] | None = None  # from text to what `evaluate` uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    name: str
    rules: dict[str, Rule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def moment(day: date | None) -> datetime | None:
    """Return midnight of a day, for libraries that know no dates."""
    return None if day is None else datetime.combine(day, day_time(), tzinfo=UTC)


# --- one function for each library: the rule's name and the records → the rule in the library ---------------------------


def by_hand(rule: str, rows: list[Row]) -> Rule:
    return Rule(evaluate=BY_HAND[rule], rows=rows)


def fieldstone(rule: str, rows: list[Row]) -> Rule:
    def read() -> object:
        maker.cache_clear()  # as if no other expression had its shape
        return ready(RULES[rule])

    compiled = ready(RULES[rule])
    return Rule(evaluate=lambda row, day: compiled(row, CONTEXT), rows=rows, read=read)


def simpleeval(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("simpleeval")
    text = PYTHON[rule]
    evaluator = library.SimpleEval(functions=dict(FUNCTIONS))
    tree = evaluator.parse(text)

    def evaluate(row: dict[str, object], day: object) -> object:
        evaluator.names = row
        return evaluator.eval(text, previously_parsed=tree)

    return Rule(evaluate=evaluate, rows=[{**row, **NAMES} for row in rows], read=lambda: evaluator.parse(text))


def asteval(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("asteval")
    interpreter = library.Interpreter(minimal=True, config={"ifexp": True}, use_numpy=False, user_symbols={**FUNCTIONS, **NAMES})
    tree = interpreter.parse(PYTHON[rule])

    def evaluate(row: Row, day: object) -> object:
        interpreter.symtable.update(row)
        return interpreter.run(tree)

    return Rule(evaluate=evaluate, rows=rows, read=lambda: interpreter.parse(PYTHON[rule]))


def restricted_python(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("RestrictedPython")
    code = library.compile_restricted(PYTHON[rule], "<rule>", "eval")
    known = {**library.safe_globals, **FUNCTIONS, **NAMES}
    return Rule(
        evaluate=lambda row, day: eval(code, known, row),
        rows=rows,
        read=lambda: library.compile_restricted(PYTHON[rule], "<rule>", "eval"),
    )


def evalidate(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("evalidate")
    model = library.base_eval_model.clone()
    kinds = (ast.Call, ast.IfExp, ast.Mult, ast.Add, ast.Sub, ast.Is, ast.IsNot, ast.BoolOp, ast.And, ast.Or)
    model.nodes += [kind.__name__ for kind in kinds]
    model.allowed_functions += list(FUNCTIONS)
    known = {**FUNCTIONS, **NAMES}
    expression = library.Expr(PYTHON[rule], model=model)
    return Rule(
        evaluate=lambda row, day: eval(expression.code, known, row),
        rows=rows,
        read=lambda: library.Expr(PYTHON[rule], model=model),
    )


def rule_engine(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("rule_engine")
    builtins, types = importlib.import_module("rule_engine.builtins").Builtins, library.DataType
    context = library.Context(resolver=library.resolve_item, default_value=None)
    context.builtins = builtins.from_defaults(
        {"initial": initial, "cents": cents},
        timezone=UTC,
        value_types={
            "initial": types.FUNCTION("initial", return_type=types.STRING),
            "cents": types.FUNCTION("cents", return_type=types.FLOAT),
        },
    )
    prepared = [{**row, "close_date": moment(row["close_date"]), "today": moment(TODAY)} for row in rows]

    def read() -> Any:
        return library.Rule(ENGINE[rule], context=context)

    made = read()
    return Rule(evaluate=lambda row, day: made.evaluate(row), rows=prepared, read=read)


def cel_python(rule: str, rows: list[Row]) -> Rule:
    library, types = importlib.import_module("celpy"), importlib.import_module("celpy.celtypes")
    environment = library.Environment(runner_class=library.InterpretedRunner)
    kinds = {float: types.DoubleType, str: types.StringType, datetime: types.TimestampType}

    def converted(row: Row) -> dict[str, object]:
        known = {types.StringType(name): kinds[type(value)](value) for name, value in _filled(row).items()}
        return {"r": types.MapType(known), "today": types.TimestampType(moment(TODAY))}

    def first(name: str) -> object:
        return types.StringType(initial(name))

    def read() -> Any:
        return environment.program(environment.compile(CEL[rule]), functions={"initial": first})

    program = read()
    return Rule(evaluate=lambda row, day: program.evaluate(row), rows=[converted(row) for row in rows], read=read)


def cel_rust(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("cel")
    program = library.compile(CEL[rule])

    def converted(row: Row) -> object:
        context = library.Context({"r": _filled(row), "today": moment(TODAY)})
        context.add_function("initial", initial)
        return context

    prepared = [converted(row) for row in rows]
    return Rule(evaluate=lambda row, day: program.execute(row), rows=prepared, read=lambda: library.compile(CEL[rule]))


def _filled(row: Row) -> dict[str, Any]:
    """Return what of a record is not blank, in types that CEL has: floats, and moments instead of days."""
    kept = {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items() if value is not None}
    return {name: moment(value) if isinstance(value, date) else value for name, value in kept.items()}


def json_logic(rule: str, rows: list[Row]) -> Rule:
    library = importlib.import_module("json_logic")
    for name, operation in LOGIC_OPERATIONS.items():
        library.add_operation(name, operation)
    return Rule(evaluate=lambda row, day: library.jsonLogic(LOGIC[rule], row), rows=rows)


LOGIC_OPERATIONS: Mapping[str, Callable[..., object]] = {
    "initial": initial,
    "blank": lambda value: value is None,
    "above": lambda a, b: a is not None and b is not None and a > b,  # its own turn decimals into floats
    "tier": lambda base, amount, floor, rate: cents(base + (amount - floor) * rate),
    "within_month": lambda day: day < TODAY + timedelta(days=30),
    "this_year": lambda day: day.year == TODAY.year,
}

LIBRARIES: Mapping[str, Callable[[str, list[Row]], Rule]] = {
    "written by hand": by_hand,
    "Fieldstone": fieldstone,
    "evalidate": evalidate,
    "RestrictedPython": restricted_python,
    "common-expression-language (Rust)": cel_rust,
    "simpleeval": simpleeval,
    "rule-engine": rule_engine,
    "json-logic-qubit": json_logic,
    "asteval": asteval,
    "cel-python": cel_python,
}


# --- the run ------------------------------------------------------------------------------------------------------------


def contenders(rows: list[Row]) -> Iterator[Contender]:
    """Yield every library with the rules that it can express; what it cannot, and answers that differ, as notes."""
    for name, make in LIBRARIES.items():
        contender = Contender(name=name)
        for rule in RULES:
            try:
                made = make(rule, rows)
                answers = [made.evaluate(row, TODAY) for row in made.rows]
            except Exception as error:  # noqa: BLE001  (whatever a library raises is its reason)
                contender.notes.append(f"{rule}: {type(error).__name__}: {str(error)[:120]}")
                continue
            contender.rules[rule] = made
            differing = sum(not same(answer, BY_HAND[rule](row, TODAY)) for answer, row in zip(answers, rows, strict=True))
            if differing:
                contender.notes.append(f"{rule}: {differing} of {len(rows)} answers differ")
        yield contender


def same(answer: Any, expected: object) -> bool:
    """Return whether the answers are one; amounts to half a cent, because most libraries calculate with floats."""
    if isinstance(expected, Decimal | int) and not isinstance(expected, bool):
        return answer is not None and abs(float(answer) - float(expected)) <= 0.005 + 1e-9
    return bool(answer) is expected if isinstance(expected, bool) else str(answer) == str(expected)


def microseconds(read: Callable[[], object]) -> float:
    count, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < 0.03:
        read()
        count += 1
    return taken / count * 1e6


def main(rounds: int) -> None:
    rows = records()
    found = list(contenders(rows))
    speed: dict[tuple[str, str], list[float]] = {}
    reading: dict[str, list[float]] = {}
    for _ in range(rounds):
        for each in found:
            for name, rule in each.rules.items():
                speed.setdefault((each.name, name), []).append(per_second(rule.evaluate, rule.rows, TODAY))
                if rule.read is not None:
                    reading.setdefault(each.name, []).append(microseconds(rule.read))
    print(f"| library | {' | '.join(f'{rule}, per second' for rule in RULES)} | times by hand | µs to read one |")
    print(f"|---|{'---|' * (len(RULES) + 2)}")
    for each in found:
        if not each.rules:
            continue
        cells = [f"{statistics.median(speed[each.name, rule]):,.0f}" if rule in each.rules else "" for rule in RULES]
        ratios = [
            statistics.median(h / s for h, s in zip(speed["written by hand", rule], speed[each.name, rule], strict=True))
            for rule in each.rules
        ]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        read = f"{statistics.median(reading[each.name]):,.0f}" if each.name in reading else ""
        print(f"| {each.name} | {' | '.join(cells)} | {mean:.2f} | {read} |")
    print()
    for each in found:
        for note in each.notes:
            print(f"{each.name}: {note}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
