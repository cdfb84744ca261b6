"""Write docs/reference/api.md from the table of operations: `python -m tools.api_catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from fieldstone.api.app import SUBJECTS
from fieldstone.api.operations import OPERATIONS, Operation

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "api.md"
HEAD = """# API

Every operation of `/api/v1`, made from the table of operations by `tools/api_catalogue.py`. `GET /api/v1/openapi.json` gives the OpenAPI
3.1 document of your org, with the objects and fields that the caller may see; bodies and answers stand there. How to begin:
[the API](../developer/api.md).

A scope is what a token has to hold; where there is none, any token does. The rights of the person behind the token always count too.
"""
TITLES = {
    "records": "Records",
    "queries": "Queries",
    "describe": "Objects",
    "search": "Search",
    "approvals": "Approvals",
    "expressions": "Expressions",
    "metadata": "Metadata",
    "tokens": "Tokens",
    "entry": "The API itself",
    "openapi": "OpenAPI",
}


def operations() -> Mapping[str, list[Operation]]:
    """Return the operations by the file of their subject, in the order of the page."""
    for subject in SUBJECTS:
        import_module(f"fieldstone.api.{subject}")
    found: dict[str, list[Operation]] = {name: [] for name in TITLES}
    for each in OPERATIONS:
        found[each.view.__module__.rsplit(".", 1)[-1]].append(each)
    return found


def told(operation: Operation) -> str:
    """Return an operation as a row, with its query parameters below its meaning."""
    params = "".join(f"<br>`{each.name}`: {each.doc}" for each in operation.params)
    scope = f"`{operation.scope}`" if operation.scope else "open to all" if operation.public else ""
    return f"| `{operation.method} {operation.path}` | {scope} | {operation.doc}{params} |".replace("\n", " ")


def page() -> str:
    """Return the text of the page."""
    text = HEAD
    for name, found in operations().items():
        rows = "\n".join(map(told, found))
        text += f"\n## {TITLES[name]}\n\n| operation | scope | does |\n| --- | --- | --- |\n{rows}\n"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
