"""What a plan says before anything runs: steps in words, in three languages, and the problems of a change that does not go."""

from __future__ import annotations

import re
from decimal import Decimal as D
from pathlib import Path

import pytest

from fieldstone.i18n.texts import tables, word
from tests.support.orgs import Answer, Org, Place, Rename, found, obj, picklist

TEXT = {"type": "text", "label": "T"}
NUMBER = {"type": "number", "label": "N", "scale": 2}
EXTRA = {"type": "text", "label": {"en": "Extra", "zh-Hans": "附加", "zh-Hant": "附加"}}
STAGE = picklist("open", "won", "lost") | {"label": "Stage"}


@pytest.fixture
def org(prepared) -> Org:
    def prepare(engine):
        found(engine)
        org = Org(engine)
        labels = {"label": {"en": "Deal", "zh-Hans": "商机", "zh-Hant": "商機"}}
        org.publish(
            obj("account"),
            obj("deal", {"amount": NUMBER | {"label": "Amount"}, "stage": STAGE, "note": EXTRA | {"label": "Note"}}, **labels),
        )
        org.insert("deal", ({"name": f"D{i}", "amount": D(i), "stage": "won" if i < 7 else "open"} for i in range(40)))

    return Org(prepared("plan", prepare))


def sentences(planned, language: str = "en") -> list[str]:
    return [word(step.said, language, planned.labels) for step in planned.steps]


FIGURES = {  # by object; a line's net goes into the deal's total, and the other objects call fields alike
    "offer": {"price": NUMBER, "net": {"type": "formula", "returns": "number", "formula": "price * 2"}},
    "bid": {
        "net": NUMBER,
        "twice": {"type": "formula", "returns": "number", "formula": "net * 2"},
        "total": {"type": "roll_up", "relation": "line.bid", "function": "sum", "field": "net"},
        "total_twice": {"type": "formula", "returns": "number", "formula": "total * 2"},
    },
    "line": {
        "bid": {"type": "master_detail", "to": "bid", "children": "lines"},
        "price": NUMBER,
        "net": {"type": "formula", "returns": "number", "formula": "price * 2"},
    },
}


def test_what_is_computed_anew_is_what_reads_the_changed_field(prepared):
    def prepare(engine):
        found(engine)
        made = []
        for name, fields in FIGURES.items():
            options = {"default_access": "by_parent", "owned_by": "none"} if name == "line" else {}
            made.append(obj(name, {key: part | {"label": key} for key, part in fields.items()}, **options))
        Org(engine).publish(*made)

    org = Org(prepared("figures", prepare))

    def anew(name: str) -> list[str]:
        planned = org.plan(org.with_fields(name, net={"type": "formula", "label": "net", "returns": "number", "formula": "price * 3"}))
        assert planned.problems == ()
        return sorted(sentence.split(" anew ")[0] for sentence in sentences(planned))

    assert anew("offer") == ["Computes the field net of Offer"]
    assert anew("line") == [
        "Computes the field net of Line",
        "Computes the field total of Bid",
        "Computes the field total_twice of Bid",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", extra=EXTRA)),
            ["Adds the field Extra to Deal. It is empty for existing records; a default is for new ones."],
            id="add a field",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", extra=EXTRA), answers={"objects/deal.json#/fields/extra": Answer(fill="old")}),
            ["Adds the field Extra to Deal with “old” for the 40 existing records; none of them is rewritten."],
            id="add a field with a value for old records",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", amount=NUMBER | {"label": "Amount", "scale": 0})),
            [
                "Changes the field Amount of Deal from number to number: 40 records get the new form before it appears,"
                " the old values stay archived."
            ],
            id="change the scale",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", note=EXTRA | {"label": "Remark"})),
            ["Changes the field Remark of Deal (label). No record is touched."],
            id="change a label",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", note=None)),
            ["Removes the field Note from every page of Deal. Its values stay archived and can be brought back."],
            id="remove a field",
        ),
        pytest.param(
            lambda org: org.plan(rename=(Rename(place=Place(kind="field", object="deal", name="note"), to="remark"),)),
            ["Renames the field note of Deal to Note wherever it is used. No record is touched."],
            id="rename a field",
        ),
        pytest.param(
            lambda org: org.plan(
                org.with_fields("deal", stage=picklist("open", "lost") | {"label": "Stage"}),
                answers={"objects/deal.json#/fields/stage": Answer(replace={"won": "open"})},
            ),
            ["Replaces the value won of Stage in Deal by “open” in 7 records."],
            id="replace a value",
        ),
        pytest.param(
            lambda org: org.plan(
                org.with_fields("deal", note=EXTRA | {"label": "Note", "required": True}),
                answers={"objects/deal.json#/fields/note": Answer(leave=True)},
            ),
            ["Makes the field Note of Deal required; 40 records are blank and must be filled at their next save."],
            id="make a field required",
        ),
        pytest.param(
            lambda org: org.plan(org.document("objects/deal.json") | {"default_access": "read"}),
            ["Opens Deal to more people: default access goes from private to read for 40 records."],
            id="widen access",
        ),
        pytest.param(
            lambda org: org.plan({"kind": "custom_permission", "api_name": "fly", "label": "Fly"}),
            ["Adds the custom permission Fly (fly)."],
            id="another kind",
        ),
        pytest.param(lambda org: org.plan(org.document("objects/deal.json")), [], id="the same document plans nothing"),
    ],
)
def test_a_plan_says_what_it_will_do(org, change, expected):
    planned = change(org)
    assert planned.problems == ()
    assert sentences(planned) == expected


def test_a_plan_speaks_the_readers_language(org):
    planned = org.plan(org.with_fields("deal", extra=EXTRA))
    assert sentences(planned, "zh-Hans") == ["为“商机”新增字段“附加”。现有记录中为空，默认值只用于新记录。"]
    assert sentences(planned, "zh-Hant") == ["為「商機」新增欄位「附加」。現有記錄中為空白，預設值只用於新記錄。"]


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", note=EXTRA | {"label": "Note", "required": True})),
            "rows_blank",
            "40 records of Deal have no Note. Say which value they get, or that they may stay blank until their next save.",
            id="required while blank",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", stage=STAGE | {"unique": True, "type": "text", "values": None})),
            None,
            None,
            id="wrong options are the checker's",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", stage=picklist("open", "lost") | {"label": "Stage"})),
            "value_in_use",
            "7 records of Deal have the value won in Stage. Say which value replaces it, or make it inactive instead.",
            id="a value that is stored",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", amount={"type": "date", "label": "Amount"})),
            "cannot_convert",
            "Amount of Deal cannot be changed from number to date. Add a new field and fill it by an expression.",
            id="a type without a way",
        ),
        pytest.param(
            lambda org: org.plan(org.with_fields("deal", name={"type": "text", "label": "Name", "length": 2})),
            "rows_do_not_fit",
            "30 records of Deal have a Name that does not fit. Correct them, or say what such values become.",
            id="a text that is too long",
        ),
    ],
)
def test_a_plan_that_does_not_go_says_why(org, change, code, sentence):
    refused = change(org).refused
    assert refused
    if code is not None:
        assert [problem.code for problem in refused] == [code]
        assert word(refused[0], "en", org.snapshot) == sentence


def test_every_step_has_its_words_in_three_languages(repository: Path):
    source = "".join(
        (repository / "platform" / "metadata" / name).read_text("utf-8") for name in ("transition.py", "plan.py", "propose.py")
    )
    codes = set(re.findall(r'"(plan\.[a-z_]+)"', source)) - {"plan.add", "plan.change", "plan.remove"}
    assert len(codes) > 30
    for code in codes:
        assert set(tables()[code]) == {"en", "zh-Hans", "zh-Hant"}, code
