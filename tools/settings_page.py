"""Write docs/settings.md from the settings themselves: `python tools/settings_page.py`."""

from __future__ import annotations

from pathlib import Path

from fieldstone.settings import describe

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Each is an environment variable, read when a process starts. `fieldstone run --port 8123 --data some/folder` says the same as
`FIELDSTONE_PORT=8123` and `FIELDSTONE_DATA=some/folder`, and comes first. A value that does not fit stops the start and is named.

Nothing has to be set to try Fieldstone: SQLite, the broker inside the process, and a secret generated into the data folder. A
server sets three: `FIELDSTONE_DATABASE_URL`, `FIELDSTONE_BROKER_URL` and `FIELDSTONE_SECRET_KEY`.

| variable | default | unit | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the text of the page."""
    rows = (f"| `{doc.name}` | {f'`{doc.default}`' if doc.default else ''} | {doc.unit} | {doc.meaning} |" for doc in describe())
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
