"""What the docs say is true: links lead somewhere, documents pass the check, commands and examples exist and do what is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fieldstone import app
from fieldstone.cli.main import command as fieldstone
from fieldstone.db.transaction import read
from fieldstone.i18n.texts import word
from fieldstone.metadata import documents, meta_schemas
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from tests.support import packs

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and its like make them."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    wrong = []
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_every_picture_is_shown_and_small():
    shown = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(page.read_text("utf-8")) if link.endswith(".png")}
    pictures = set((ROOT / "docs" / "images").glob("*.png"))
    assert pictures - shown == set()
    assert [each.name for each in pictures if each.stat().st_size > 200_000] == []


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page.read_text("utf-8")) if language in languages]


@pytest.fixture(scope="module")
def org(sqlite_databases):
    """An org with the shipped packs, without records."""

    def prepare(engine):
        app.found(packs.opened(engine), name="Docs", sample=False)

    url = sqlite_databases.copy("docs", prepare)
    yield packs.opened(sqlite_databases.engine(url))
    sqlite_databases.remove(url)


WITH_JSON = [page for page in PAGES if blocks(page, "json")]


@pytest.mark.parametrize("page", WITH_JSON, ids=page_id)
def test_documents_pass_the_check_of_an_org_with_the_shipped_packs(page, org):
    parsed = [documents.parse(text) for text in blocks(page, "json")]
    given = tuple(each for each in parsed if "kind" in each)
    with read(org.engine) as tx:
        planned = plan(org.holder.current(tx.connection), ChangeSet(put=given), tx.connection)
    assert [f"{each.document}{each.pointer}: {word(each, 'en')}" for each in planned.refused] == []
    manifests = [each for each in parsed if each.get("type") in ("pack", "customization")]
    assert [problem for each in manifests for problem in meta_schemas.problems(each, "pack")] == []


def test_the_pack_of_the_page_on_packs_is_right(tmp_path):
    """Written into a folder as the page says, it can be sealed and checked, and its check passes."""
    for text in blocks(ROOT / "docs" / "implementer" / "packs.md", "json"):
        parsed = documents.parse(text)
        path = documents.path_of(parsed) if "kind" in parsed else "pack.json" if "format" in parsed else "checks/bookings.json"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for verb, said in (("seal", "files written"), ("check", "documents are right"), ("test", "1 checks passed, 0 failed")):
        answer = CliRunner().invoke(fieldstone, ["pack", verb, str(tmp_path)])
        assert answer.exit_code == 0 and said in answer.output, answer.output


def calls(page: Path) -> list[str]:
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if re.match(r"(\.venv/bin/)?fieldstone |FIELDSTONE_\S+ fieldstone ", line)]


WITH_CALLS = [page for page in PAGES if calls(page) and "reference" not in page.parts]


@pytest.mark.parametrize("page", WITH_CALLS, ids=page_id)
def test_commands_exist_with_their_options(page):
    wrong = []
    for line in calls(page):
        words = [each for each in shlex.split(line) if not each.startswith("FIELDSTONE_")][1:]
        found: click.Command = fieldstone
        while isinstance(found, click.Group) and words:
            below = found.get_command(click.Context(found), words.pop(0))
            assert below is not None, line
            found = below
        known = {option for each in found.params for option in (*each.opts, *each.secondary_opts)}
        wrong += [f"{line}: {each}" for each in words if each.startswith("--") and each.split("=")[0] not in known | {"--help"}]
    assert wrong == []


def test_settings_that_the_pages_name_exist():
    from fieldstone.settings import describe

    known = {each.name for each in describe()} | {"FIELDSTONE_SALES_DATA", "FIELDSTONE_CHROMIUM", "FIELDSTONE_TEST_POSTGRESQL"}
    named = {name for page in PAGES for name in re.findall(r"\bFIELDSTONE_[A-Z_]+\b", page.read_text("utf-8"))}
    assert named <= known
