"""The pages of docs/reference/ say what the code says: every function, kind, field type, command and operation, and the examples hold."""

from __future__ import annotations

import re

import pytest

from fieldstone.cli.main import COMMANDS
from fieldstone.metadata.field_types import FIELD_TYPES
from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.meta_schemas import resolved
from fieldstone.rules import FUNCTIONS
from tests.support import expressions as ex
from tools import api_catalogue, command_catalogue, function_catalogue, kind_catalogue

CATALOGUES = (function_catalogue, kind_catalogue, command_catalogue, api_catalogue)
EXAMPLE = re.compile(r"^- `(.+)` gives (.+)$", re.M)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda each: each.PAGE.name)
def test_the_page_is_up_to_date(catalogue):
    name = catalogue.__name__.rsplit(".", 1)[-1]
    assert catalogue.PAGE.read_text("utf-8") == catalogue.page(), f"run  python -m tools.{name}"


def test_every_function_kind_field_type_command_and_operation_is_there():
    functions, kinds, commands, api = (catalogue.PAGE.read_text("utf-8") for catalogue in CATALOGUES)
    missing = [name for name in FUNCTIONS if f"\n### {name}\n" not in functions]
    missing += [name for name in KINDS if f"\n## {resolved(name)['title']}\n\n`{name}`" not in kinds]
    missing += [name for name in FIELD_TYPES if name not in ("id", "owner") and f"\n### {name}\n" not in kinds]
    missing += [name for name in COMMANDS if f"\n## fieldstone {name}\n" not in commands]
    operations = [each for found in api_catalogue.operations().values() for each in found]
    missing += [each.path for each in operations if f"`{each.method} {each.path}`" not in api]
    assert missing == []


@pytest.mark.parametrize(("source", "said"), EXAMPLE.findall(function_catalogue.PAGE.read_text("utf-8")))
def test_an_example_of_the_page_holds(source, said):
    got = ex.in_python(ex.checked_as(source), {})
    if isinstance(got, tuple) and got and got[0] == ex.ERROR:
        assert said == f"*error: {got[1].replace('_', ' ')}*"
    else:
        assert function_catalogue.literal(got) == said
