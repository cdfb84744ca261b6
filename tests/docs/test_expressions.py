"""What the pages for administrators say of expressions is so: each example gives what stands there, on all three engines."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from fieldstone.i18n.texts import word
from fieldstone.rules import Use, problems
from fieldstone.rules.decimals import plain
from fieldstone.rules.functions import ELSEWHERE, INSTEAD
from tests.support import expressions as ex
from tests.support import moved_literals
from tools.function_catalogue import literal

ADMIN = Path(__file__).resolve().parents[2] / "docs" / "admin"
GIVES = re.compile(r"^- `(.+)` gives (.+)$", re.M)
REFUSED = re.compile(r"^- `(.+)` is refused: (.+)$", re.M)
PAGES = {page.name: page.read_text("utf-8") for page in sorted(ADMIN.glob("*.md"))}
EXAMPLES = [(source, said) for text in PAGES.values() for source, said in GIVES.findall(text)]


def shown(got: object) -> str:
    """A result as a page writes it; SQL knows no categories of errors, and writes zeros behind the point."""
    if isinstance(got, Decimal):
        return literal(Decimal(plain(got)))
    return f"*error: {str(got[1]).replace('_', ' ')}*" if isinstance(got, tuple) and got[:1] == (ex.ERROR,) else literal(got)


def test_every_example_gives_in_python_what_its_page_says():
    wrong = [(source, said, got) for source, said in EXAMPLES if (got := shown(ex.in_python(ex.checked_as(source), {}))) != said]
    assert wrong == []
    assert len(EXAMPLES) > 70


@pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"])
def test_every_example_gives_in_sql_what_its_page_says(request, engine_name):
    engine = request.getfixturevalue(f"{engine_name}_engine")
    wrong = []
    with engine.connect() as connection:
        for source, said in EXAMPLES:
            checked = ex.checked_as(source)
            if checked.sql:
                for got in moved_literals.in_database(connection, checked):
                    if shown(got) != said and not (said.startswith("*error") and got == (ex.ERROR, None)):
                        wrong.append((source, said, got))
        connection.rollback()
    assert wrong == []


@pytest.mark.parametrize(("source", "said"), [each for text in PAGES.values() for each in REFUSED.findall(text)])
def test_what_is_refused_is_told_in_the_words_of_the_page(source, said):
    first, *_ = problems(source, ex.SCOPE, Use.AUTOMATION)
    assert word(first, "en") == said


def test_names_known_from_spreadsheets_are_on_their_page():
    page = PAGES["from-spreadsheets.md"]
    missing = [name for name in ("PROPER", "SEARCH", "EDATE", "INT", "SWITCH", "CHAR", "CODE") if f"`{name}`" not in page]
    missing += [ours for ours in {ELSEWHERE[name] for name in ("PROPER", "SEARCH", "EDATE", "INT", "SWITCH")} if f"`{ours}`" not in page]
    assert missing == []
    assert {"CONCATENATE", "POWER", "SUM", "DATEDIF"} <= INSTEAD.keys()
