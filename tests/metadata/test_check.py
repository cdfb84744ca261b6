"""A set of documents, and everything that is wrong with it: code, pointer and what was meant."""

from __future__ import annotations

import ast
import copy
import json
from pathlib import Path
from typing import Any

import pytest

import fieldstone.metadata
from fieldstone.errors import Problem
from fieldstone.i18n.texts import tables
from fieldstone.metadata.check import check, check_manifest
from fieldstone.metadata.load import build
from fieldstone.metadata.store import NOTHING as NOTHING_STORED
from tests.metadata.deal import documents

DEAL = "objects/deal.json"
LAYOUT = "layouts/deal/deal_standard.json"
VIEW = "list_views/deal/closing_soon.json"
RULE = "validation_rules/deal/won_needs_amount.json"
SALES_USER = "permission_sets/sales_user.json"

NOTHING = object()
BASE = documents()
IN_FORCE = build(BASE, NOTHING_STORED)


def changed(path: str, pointer: str, value: Any) -> dict[str, dict[str, Any]]:
    """Return the small org with `value` at `pointer` of the document at `path`; NOTHING takes away what is there."""
    found = {**BASE, path: copy.deepcopy(BASE.get(path, {}))}
    node: Any = found[path]
    *way, last = pointer.split("/")[1:]
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    if value is NOTHING:
        node.pop(int(last) if isinstance(node, list) else last)
    elif isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return found


def shown(problems: tuple[Problem, ...]) -> list[tuple[str | None, str, str | None]]:
    return [(problem.pointer, problem.code, problem.suggestion) for problem in problems if problem.code != "unknown_button"]


def field(type_: str, **options: Any) -> dict[str, Any]:
    return {"type": type_, "label": f"A {type_}", **options}


def test_the_documents_of_the_specification_are_right() -> None:
    problems = check(documents())
    assert [(problem.code, problem.warning) for problem in problems] == [("unknown_button", True)]  # buttons come with a later kind


@pytest.mark.parametrize(
    ("path", "pointer", "value", "expected"),
    [
        # shape
        ("objects/x.json", "/kind", "objekt", [("/kind", "unknown_kind", "object")]),
        (DEAL, "/fields/name/lenght", 5, [("/fields/name/lenght", "unknown_key", "length")]),
        (DEAL, "/fields/name/scale", 5, [("/fields/name/scale", "unknown_key", None)]),
        (DEAL, "/fields/discount/type", "procent", [("/fields/discount/type", "unknown_value", "percent")]),
        (DEAL, "/fields/amount/scale", "two", [("/fields/amount/scale", "wrong_type", None)]),
        (DEAL, "/fields/amount/precision", 19, [("/fields/amount/precision", "over_maximum", None)]),
        (DEAL, "/fields/name/label", NOTHING, [("/fields/name", "missing_key", None)]),
        (DEAL, "/fields/9th", field("text"), [("/fields/9th", "bad_form", None)]),
        (DEAL, "/owned_by", "nobody", [("/owned_by", "unknown_value", None)]),
        # names
        (DEAL, "/fields/Amount", field("text"), [("/fields/Amount", "name_taken", None)]),
        (DEAL, "/fields/owner", field("text"), [("/fields/owner", "name_reserved", None)]),
        (DEAL, "/fields/con", field("text"), [("/fields/con", "name_reserved", None)]),
        (DEAL, "/fields/" + "a" * 41, field("text"), [("/fields/" + "a" * 41, "name_too_long", None)]),
        ("value_sets/industry.json", "/values", [{"api_name": "retail", "label": "R"}, {"api_name": "Retail", "label": "R"}],
         [("/values/1/api_name", "name_taken", None)]),
        (DEAL, "/fields/account/children", "name", [("/fields/account/children", "name_taken", None)]),
        (LAYOUT, "/tabs/1/id", "main", [("/tabs/1/id", "name_taken", None)]),
        (LAYOUT, "/tabs/0/sections/0/items/1/field", "name", [("/tabs/0/sections/0/items/1/field", "name_taken", None),
                                                              ("/tabs", "required_not_shown", None)]),
        # references
        (DEAL, "/fields/account/to", "acount", [("/fields/account/to", "unknown_name", "account")]),
        (DEAL, "/fields/account/to", "Account", [("/fields/account/to", "unknown_name", "account")]),
        (DEAL, "/fields/line_total/relation", "lines", [("/fields/line_total/relation", "unknown_relation", None)]),
        (DEAL, "/fields/line_total/field", "prise", [("/fields/line_total/field", "unknown_field", "price")]),
        (DEAL, "/name_field", "nam", [("/name_field", "unknown_field", "name")]),
        (DEAL, "/keys/0/fields", ["account", "nme"], [("/keys/0/fields/1", "unknown_field", "name")]),
        (DEAL, "/fields/loss_reason/allowed", {"lots": ["price"]}, [("/fields/loss_reason/allowed/lots", "unknown_choice", "lost")]),
        (DEAL, "/fields/loss_reason/allowed", {"lost": ["Price"]}, [("/fields/loss_reason/allowed/lost/0", "unknown_choice", "price")]),
        (LAYOUT, "/tabs/0/sections/0/items/4/field", "loss", [("/tabs/0/sections/0/items/4/field", "unknown_field", None)]),
        (LAYOUT, "/tabs/1/related_lists/0/columns/0", "Product", [("/tabs/1/related_lists/0/columns/0", "unknown_field", "product")]),
        (LAYOUT, "/for/permission_sets", ["sale_user"], [("/for/permission_sets/0", "unknown_name", "sales_user")]),
        (LAYOUT, "/path/guidance", {"opne": {"text": "x"}}, [("/path/guidance/opne", "unknown_choice", "open")]),
        (VIEW, "/columns/1/field", "account.industri", [("/columns/1/field", "unknown_field", "account.industry")]),
        (VIEW, "/columns/1/field", "amount.industry", [("/columns/1/field", "not_a_lookup", None)]),
        (SALES_USER, "/objects/deal/fields/amont", "read", [("/objects/deal/fields/amont", "unknown_field", "amount")]),
        (SALES_USER, "/permissions", ["edit_won_deal"], [("/permissions/0", "unknown_name", "edit_won_deals")]),
        ("roles/sales.json", "/parent", "boss", [("/parent", "unknown_name", None)]),
        # sense
        (DEAL, "/name_field", "amount", [("/name_field", "not_a_name_field", None)]),
        (DEAL, "/default_access", "by_parent", [("/default_access", "by_parent_without_master", None)]),
        (DEAL, "/fields/discount/min", 101, [("/fields/discount/min", "min_over_max", None)]),
        (DEAL, "/fields/discount/scale", 6, [("/fields/discount/scale", "scale_over_precision", None)]),
        (DEAL, "/fields/amount/default", "1.234", [("/fields/amount/default", "too_precise", "1.23")]),
        (DEAL, "/fields/name/pattern", "(?=x)", [("/fields/name/pattern", "bad_regex", None)]),
        (DEAL, "/fields/code/pattern", "D-{YYY}-{000}", [("/fields/code/pattern", "bad_number_pattern", "{00000}")]),
        (DEAL, "/fields/stage/values/1/default", True, [("/fields/stage/values", "two_defaults", None)]),
        (DEAL, "/fields/stage/value_set", "industry", [("/fields/stage", "values_or_value_set", None)]),
        (DEAL, "/fields/loss_reason/allowed", NOTHING, [("/fields/loss_reason", "controlled_by_and_allowed", None)]),
        (DEAL, "/fields/account/on_delete", "set_null", [("/fields/account/on_delete", "required_set_null", "restrict")]),
        (DEAL, "/fields/days_left/indexed", True, [("/fields/days_left/indexed", "live_field_option", None)]),
        (DEAL, "/fields/line_total/field", "product", [("/fields/line_total/field", "roll_up_type", None)]),
        (DEAL, "/fields/line_total/function", "count", [("/fields/line_total/field", "option_not_here", None)]),
        ("objects/account.json", "/fields/deals", field("roll_up", relation="deal.account", function="count"),
         [("/fields/deals", "roll_up_needs_declassified", None)]),
        ("objects/deal_line.json", "/owned_by", "user", [("/owned_by", "master_owner", "none")]),
        (VIEW, "/columns/0/total", "sum", [("/columns/0/total", "not_a_number_field", None)]),
        (VIEW, "/board/group_by", "amount", [("/board/group_by", "not_for_boards", None)]),
        (VIEW, "/calendar/start", "amount", [("/calendar/start", "not_a_date_field", None)]),
        (SALES_USER, "/objects/deal/fields/net", "edit", [("/objects/deal/fields/net", "read_only_field", "read")]),
        (SALES_USER, "/objects/deal/fields/owner", "read", [("/objects/deal/fields/owner", "system_field_right", None)]),
        # expressions
        (DEAL, "/fields/net/formula", "amont * 2", [("/fields/net/formula", "expression_unknown_name", "amount")]),
        (DEAL, "/fields/net/formula", 'IF(amount > 1, "a", "b")', [("/fields/net/formula", "expression_result_type", None)]),
        (DEAL, "/fields/close_date/default", "=TODAI()", [("/fields/close_date/default", "expression_unknown_function", "TODAY")]),
        (DEAL, "/fields/contact/filter", "account = $Record.acount", [("/fields/contact/filter", "expression_unknown_name", None)]),
        (RULE, "/message/en", "{{ nam }}", [("/message/en", "expression_unknown_name", "name")]),
        (RULE, "/message/en", "{{ name }", [("/message/en", "template_braces", None)]),
        (VIEW, "/filter", "ISNEW()", [("/filter", "expression_function_not_here", None)]),
        (DEAL, "/fields/line_total/filter", "deal.owner = $User.Id", [("/fields/line_total/filter", "roll_up_per_user", None)]),
        # graph
        (DEAL, "/fields/net/formula", "net + 1", [("/fields/net/formula", "cycle", None)]),
        ("roles/sales.json", "/parent", "sales", [("/parent", "cycle", None)]),
        (DEAL, "/fields/close_date/default", "=close_date + 1", [("/fields/close_date/default", "cycle", None)]),
        # examples
        (RULE, "/examples/1/expect", "refused", [("/examples/1", "example_failed", None)]),
        (DEAL, "/fields/net/examples/0/expect", "84.91", [("/fields/net/examples/0", "example_failed", None)]),
        (DEAL, "/fields/net/examples/0/record", {"amont": 1}, [("/fields/net/examples/0/record/amont", "bad_example", None)]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_place_and_its_fix(path: str, pointer: str, value: Any, expected: list[Any]) -> None:
    found = changed(path, pointer, value)
    assert shown(check(found)) == expected
    assert shown(check(found, current=IN_FORCE)) == expected  # what is in force already is passed over, and nothing else


def test_every_level_of_a_setting_has_values_of_its_fields() -> None:
    levels = {
        "values": {"days": "x"},
        "profiles": {"nobody": {"days": 1}},
        "users": {"Ada": {"days": 1, "dais": 2}, "ada": {"days": 3}, "ben": {"days": "soon"}},
    }
    setting = {"kind": "custom_setting", "api_name": "crm", "label": "C", "fields": {"days": field("number")}, **levels}
    assert shown(check({**BASE, "settings/crm.json": setting})) == [
        ("/profiles/nobody", "unknown_name", None),
        ("/values/days", "not_a_number", None),
        ("/users/Ada/dais", "unknown_key", "days"),
        ("/users/ben/days", "not_a_number", None),
        ("/users/ada", "name_taken", None),
    ]


def test_the_span_of_an_expression_counts_from_its_text_in_the_document() -> None:
    (problem,) = [each for each in check(changed(DEAL, "/fields/close_date/default", "=TODAY() + dys")) if not each.warning]
    assert problem.document == DEAL
    assert problem.span is not None
    assert (problem.span.line, problem.span.column, problem.span.start) == (1, 12, 11)


def test_what_follows_from_a_reported_problem_is_not_reported_again() -> None:
    problems = check(changed(DEAL, "/fields/amount/type", "curency"))
    assert shown(problems) == [("/fields/amount/type", "unknown_value", "currency")]  # formulas, views, rights name it all the same


def test_all_mistakes_are_told_at_once() -> None:
    found = copy.deepcopy(changed(DEAL, "/fields/net/formula", "amont"))
    found[VIEW]["columns"][0]["field"] = "nmae"
    found[RULE]["at"] = "amuont"
    found["roles/sales.json"]["parent"] = "nobody"
    codes = [(problem.document, problem.code) for problem in check(found) if not problem.warning]
    assert sorted(codes) == [  # type: ignore[type-var]
        (VIEW, "unknown_field"),
        (DEAL, "expression_unknown_name"),
        ("roles/sales.json", "unknown_name"),
        (RULE, "unknown_field"),
    ]


def test_a_cycle_over_objects_is_shown_whole() -> None:
    found = changed("objects/account.json", "/fields/total", field("roll_up", relation="deal.account", function="sum", field="net",
                    declassified={"reason": "test"}))  # fmt: skip
    found = copy.deepcopy(found)
    found[DEAL]["fields"]["net"]["formula"] = "amount + account.total"
    cycles = [problem for problem in check(found) if problem.code == "cycle"]
    assert [problem.params["cycle"] for problem in cycles] == ["account.total → deal.net → account.total"]


def test_formulas_read_one_another_fifty_deep_and_no_deeper() -> None:
    found = copy.deepcopy(BASE)
    for depth in range(1, 52):
        source = f"step_{depth - 1} + 1" if depth > 1 else "1"
        found[DEAL]["fields"][f"step_{depth}"] = {"type": "formula", "label": "S", "returns": "number", "formula": source}
    deep = [problem for problem in check(found) if not problem.warning]
    assert [(each.pointer, each.code, each.params["limit"]) for each in deep] == [("/fields/step_51", "too_deep", 50)]


def test_former_names_are_suggested() -> None:
    found = changed(DEAL, "/fields/amount/was", ["worth"])
    found = copy.deepcopy(found)
    found[RULE]["error_when"] = "worth < 0"
    (problem,) = [each for each in check(found) if not each.warning]
    assert problem.suggestion == "amount"


def test_a_pack_manifest_has_a_meta_schema_of_its_own() -> None:
    manifest = {"format": 1, "type": "pack", "name": "sales", "version": "1.0", "label": "Sales", "publisher": "us", "license": "MIT"}
    got = [(problem.pointer, problem.code) for problem in check_manifest({**manifest, "platform": "*", "langages": ["en"]})]
    assert sorted(got) == [("", "missing_key"), ("/langages", "unknown_key"), ("/version", "bad_form")]


def codes_in(node: ast.AST) -> list[str]:
    """Return the codes of problems that a call in the source names."""
    if not isinstance(node, ast.Call):
        return []
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {"refuse": node.args[2:3], "BadValue": node.args[:1], "Problem": [word.value for word in node.keywords if word.arg == "code"]}
    found = [each for part in given.get(called, []) for each in ast.walk(part)]
    return [each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str) and not each.value.endswith("_")]


def test_every_problem_has_its_sentence_in_three_languages() -> None:
    root = Path(next(iter(fieldstone.metadata.__path__)))
    files = [file for folder in ("checks", "field_types") for file in (root / folder).glob("*.py")]
    files += [root / name for name in ("meta_schemas.py", "documents.py", "record_schema.py")]
    codes = {code for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))) for code in codes_in(node)}
    assert len(codes) > 90
    missing = sorted(code for code in codes if set(tables().get(code, {})) != {"en", "zh-Hans", "zh-Hant"})
    assert missing == []


def test_check_raises_nothing_on_hostile_documents() -> None:
    hostile = ("{}", '{"kind": 5}', '{"kind": "object"}', '{"kind": "object", "api_name": [], "fields": 7}', '{"kind": null, "fields": []}')
    for text in hostile:
        assert check({"objects/x.json": json.loads(text)})


def test_what_no_database_can_compute_is_neither_filtered_nor_sorted_by_nor_summed() -> None:
    found = {path: copy.deepcopy(document) for path, document in BASE.items()}
    score = field("formula", returns="number", formula='IF(REGEX(account.name, "a+"), 1, 2)')
    found[DEAL]["fields"] |= {
        "coded": field("formula", returns="checkbox", formula='REGEX(account.name, "a+")'),
        "score": score,
        "day": field("formula", returns="date", formula='IF(REGEX(account.name, "a+"), TODAY(), NULL)'),
        "kept": field("formula", returns="number", formula='IF(REGEX(name, "a+"), 1, 2)'),
        "scores": field("roll_up", relation="deal_line.deal", function="sum", field="score"),
    }
    found["objects/deal_line.json"]["fields"]["score"] = {**score, "formula": 'IF(REGEX(deal.name, "a+"), 1, 2)'}
    found[VIEW] |= {"filter": "AND(coded, amount > 1)", "sort": [{"field": "kept"}, {"field": "score"}]}
    found[VIEW]["columns"] += [{"field": "score", "total": "sum"}, {"field": "kept", "total": "sum"}, {"field": "coded"}]
    found[VIEW]["board"]["totals"] = ["score", "kept"]
    found[VIEW]["calendar"] |= {"start": "day"}
    found[LAYOUT]["tabs"][1]["related_lists"][0]["sort"] = [{"field": "score"}]
    del found[VIEW]["examples"]
    expected = {
        (DEAL, "/fields/scores/field", "expression_not_filterable"),
        (LAYOUT, "/tabs/1/related_lists/0/sort/0/field", "formula_behind_query"),
        (VIEW, "/filter", "expression_not_filterable"),
        (VIEW, "/sort/1/field", "formula_behind_query"),
        (VIEW, "/columns/4/total", "formula_behind_query"),
        (VIEW, "/board/totals/0", "formula_behind_query"),
        (VIEW, "/calendar/start", "formula_behind_query"),
    }
    for current in (None, IN_FORCE):
        problems = [each for each in check(found, current=current) if not each.warning]
        assert {(each.document, each.pointer, each.code) for each in problems} == expected


def test_a_formula_that_moves_behind_the_query_is_refused_where_a_view_sorts_by_it() -> None:
    sorted_by = changed(VIEW, "/sort/0/field", "net")
    in_force = build(sorted_by, NOTHING_STORED)
    moved = {**in_force.parsed, DEAL: copy.deepcopy(in_force.parsed[DEAL])}
    moved[DEAL]["fields"]["net"] |= {"formula": 'IF(REGEX(account.name, "a+"), amount, 0)', "examples": []}
    problems = [(each.document, each.pointer, each.code) for each in check(moved, current=in_force) if not each.warning]
    assert problems == [(VIEW, "/sort/0/field", "formula_behind_query")]
