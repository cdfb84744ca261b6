"""A file of cases says what it means, and is told everything that is wrong with it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fieldstone import limits
from fieldstone.errors import Refused
from fieldstone.i18n.texts import word
from fieldstone.rules.case_scope import checked
from fieldstone.rules.cases import load, read

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def case(**changed: object) -> dict[str, object]:
    return {"name": "x", "formula": "n", "fields": {"n": {"type": "number", "scale": 2}}, "rows": [{"result": "1"}], **changed}


def wrong(*lines: object) -> list[tuple[str, str]]:
    """Return place and code of all that is wrong with a file of these lines."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    with pytest.raises(Refused) as refused:
        load(text, path="file")
    return [(f"{p.document}{p.pointer}", p.code) for p in refused.value.problems]


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("number", "-0.50", Decimal("-0.50")),
        ("percent", "15", Decimal(15)),
        ("text", "é🙂", "é🙂"),
        ("text", "", ""),
        ("picklist", "won", "won"),
        ("multi_picklist", ["a", "b"], ("a", "b")),
        ("multi_picklist", [], None),
        ("checkbox", True, True),
        ("date", "0001-01-01", date(1, 1, 1)),
        ("datetime", "9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("time", "23:59:59.999", 86_399_999),
        ("lookup", ID, ID),
        ("lookup", "a1", "a1"),
        ("number", 5, Decimal(5)),
        ("number", 0.1, Decimal("0.1")),
        ("date", None, None),
    ],
)
def test_a_value_is_read_as_python_calculates_with_it(type_: str, written: object, value: object) -> None:
    (one,) = load(json.dumps(case(fields={"N": {"type": type_}}, rows=[{"values": {"n": written}, "result": None}])))
    assert one.rows[0].values == {"N": value}


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        ("number", True),
        ("number", "5 "),
        ("number", "1e3"),
        ("number", "NaN"),
        ("number", ".5"),
        ("number", ""),
        ("text", 5),
        ("text", "\0"),
        ("text", "\ud800"),
        ("text", "x" * 100_001),
        ("multi_picklist", "a"),
        ("multi_picklist", ["a;b"]),
        ("checkbox", "true"),
        ("checkbox", 1),
        ("date", "2023-02-29"),
        ("date", "20230228"),
        ("date", "2023-02-28T00:00:00Z"),
        ("datetime", "2023-02-28T00:00:00"),
        ("datetime", "2023-02-28T24:00:00Z"),
        ("datetime", "2023-02-28T00:00:00.5Z"),
        ("time", "24:00:00.000"),
        ("time", "10:00"),
        ("lookup", 1),
        ("geolocation", "1,2"),
        ("geolocation", {"latitude": "1"}),
        ("geolocation", {"latitude": "1.0000001", "longitude": "2"}),
    ],
)
def test_a_value_of_another_form_is_told(type_: str, written: object) -> None:
    found = wrong(case(fields={"n": {"type": type_}}, rows=[{"values": {"n": written}, "result": None}]))
    assert found == [("file:1/rows/0/values/n", "case_bad_value")]


@pytest.mark.parametrize(
    ("line", "place", "code"),
    [
        ("{", "", "case_not_json"),
        ('{"name": NaN}', "", "case_not_plain"),
        ("[" * 100_000, "", "case_not_plain"),
        ("9" * 5_000, "", "case_not_plain"),
        ("[]", "", "case_wrong_type"),
        ('{"name": "a", "name": "b"}', "", "case_key_twice"),
        ({"name": "x", "formula": "1"}, "", "case_missing_key"),
        (case(rowz=[]), "", "case_unknown_key"),
        (case(name=1), "/name", "case_wrong_type"),
        (case(formula="\0"), "/formula", "case_bad_character"),
        (case(blanks="null"), "/blanks", "case_not_one_of"),
        (case(returns={"type": "colour"}), "/returns/type", "case_not_one_of"),
        (case(returns={"type": "number", "scale": -1}), "/returns/scale", "case_not_between"),
        (case(context={"zone": "Mars"}), "/context/zone", "case_unknown_zone"),
        (case(context={"now": "today"}), "/context/now", "case_bad_value"),
        (case(fields={"n": {"type": "numbr"}}), "/fields/n/type", "case_not_one_of"),
        (case(fields={"n": {}}), "/fields/n", "case_missing_key"),
        (case(fields={"n": {"type": "number"}, "N": {"type": "text"}}), "/fields", "case_key_twice"),
        (case(fields={"1n": {"type": "number"}}), "/fields", "case_bad_name"),
        (case(fields={f"n{i}": {"type": "text"} for i in range(201)}), "/fields", "case_too_many"),
        (case(rows={}), "/rows", "case_wrong_type"),
        (case(rows=[{"result": None}] * 10_001), "/rows", "case_too_many"),
        (case(rows=[{}]), "/rows/0", "case_not_one_outcome"),
        (case(rows=[{"result": "1", "error": "math_domain"}]), "/rows/0", "case_not_one_outcome"),
        (case(rows=[{"error": "math"}]), "/rows/0/error", "case_not_one_of"),
        (case(rows=[{"result": "1", "engines": ["oracle"]}]), "/rows/0/engines", "case_not_one_of"),
        (case(rows=[{"result": "1", "is_new": "yes"}]), "/rows/0/is_new", "case_wrong_type"),
        (case(rows=[{"result": "1", "values": {"m": "1"}}]), "/rows/0/values", "case_unknown_field"),
        (case(rows=[{"result": "1", "prior": {"m": "1"}}]), "/rows/0/prior", "case_unknown_field"),
        (case(rows=[{"result": "1", "values": {"n": "1.005"}}]), "/rows/0/values/n", "case_too_many_digits"),
        (
            case(fields={"t": {"type": "text", "length": 2}}, rows=[{"values": {"t": "abc"}, "result": "1"}]),
            "/rows/0/values/t",
            "case_text_too_long",
        ),
        (case(returns={"type": "date"}, rows=[{"result": "soon"}]), "/rows/0/result", "case_bad_value"),
        (
            case(fields={"n": {"type": "number", "formula": "1"}}, rows=[{"result": "1", "values": {"n": "1"}}]),
            "/rows/0/values/n",
            "case_value_of_formula",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_place(line: object, place: str, code: str) -> None:
    assert wrong("", line) == [(f"file:2{place}", code)]


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = wrong("{", case(rows=[{"values": {"n": True}, "result": "1"}, {}]), case(), "[")
    assert [place for place, _ in found] == ["file:1", "file:2/rows/0/values/n", "file:2/rows/1", "file:4"]


def test_a_problem_says_what_would_be_right() -> None:
    with pytest.raises(Refused) as refused:
        load(json.dumps(case(rows=[{"values": {"n": "12,5"}, "resul": "1", "error": "math_domian"}])))
    assert [word(problem, "en") for problem in refused.value.problems] == [
        'The key "resul" means nothing here. Known are: values, prior, is_new, is_clone, result, error, problem, sql_result, engines, note,'
        ' and comment. Did you mean "result"?',
        '"math_domian" is not one of: division_by_zero, math_domain, out_of_range, number_format, date_format, and regex_syntax.'
        ' Did you mean "math_domain"?',
        '"12,5" is no value of the type number. It is written as "1250.50"; a blank is null.',
    ]


def test_what_is_wrong_keeps_nothing_else_from_running() -> None:
    text = "\n".join(["{", json.dumps(case(rows=[{"result": "1"}, {"error": "math"}, {"result": "2"}])), json.dumps(case(blanks="no"))])
    cases, problems = read(text)
    assert [[row.number for row in one.rows] for one in cases] == [[0, 2]]
    assert [problem.document for problem in problems] == ["cases:1", "cases:2", "cases:3"]


def test_a_key_that_means_nothing_is_a_warning() -> None:
    cases, problems = read(json.dumps(case(source="section 7", rows=[{"result": "1", "why": "because"}])))
    assert [len(one.rows) for one in cases] == [1]
    assert [(problem.code, problem.warning) for problem in problems] == [("case_unknown_key", True)] * 2


def test_no_more_is_told_than_a_person_reads() -> None:
    assert len(wrong(*["{"] * 1_000)) == limits.CASE_PROBLEMS


def test_a_number_that_says_no_scale_has_the_digits_of_its_values() -> None:
    (one,) = load(json.dumps(case(fields={"n": {"type": "number"}}, rows=[{"values": {"n": "1.125"}, "result": "1"}])))
    assert one.fields["n"].scale == 3


def test_a_place_is_held_by_its_parts() -> None:
    row = {"values": {"P": {"latitude": "1.5", "longitude": None}}, "result": None}
    (one,) = load(json.dumps(case(fields={"p": {"type": "geolocation"}}, rows=[row])))
    assert one.rows[0].values == {"p.latitude": Decimal("1.5"), "p.longitude": None}


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(Refused, match="not_utf8"):
        load(b"\xff\xfe")


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does() -> None:
    assert len(load(b"\xef\xbb\xbf" + json.dumps(case()).encode() + b"\r\n\r\n")) == 1


def fields(**formulas: str) -> dict[str, object]:
    return {
        "account.size": {"type": "number"},
        **{name.replace("__", "."): {"type": "number", "formula": f} for name, f in formulas.items()},
    }


def test_a_formula_field_of_a_parent_reads_what_stands_beside_it() -> None:
    (one,) = load(json.dumps(case(formula="account.twice", fields=fields(account__twice="size * 2"))))
    assert checked(one).reads == {("account", "size")}


def test_a_formula_that_reads_itself_is_refused() -> None:
    (one,) = load(json.dumps(case(formula="a", fields=fields(a="b + 1", b="c", c="a"))))
    with pytest.raises(Refused, match="cycle"):
        checked(one)


def test_a_long_chain_of_formulas_is_no_matter() -> None:
    chain = {f"f{i}": f"f{i + 1} + 1" for i in range(150)}
    (one,) = load(json.dumps(case(formula="f0", fields=fields(**chain, f150="1"))))
    assert checked(one).size > 300
