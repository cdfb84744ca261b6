"""A pack comes in whole and checked, or not at all: every problem of its files is told at once."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from fieldstone import limits
from fieldstone.errors import Refused
from fieldstone.packs import read
from tests.support.packs import BIKE, BIKES, files


def problems_of(given: dict[str, bytes]) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read.read_files(given)
    assert refused.value.code == "pack_invalid"
    return {(problem.code, problem.document or "") for problem in refused.value.problems}


def archive(entries: dict[str, bytes], *, link: str | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, data in entries.items():
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if path == link:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            zipped.writestr(entry, data)
    return content.getvalue()


def test_a_right_pack_is_read():
    pack = read.read_files(files(seal=True))
    assert (pack.name, str(pack.manifest.version), list(pack.documents)) == ("rental", "1.0.0", ["objects/rent__bike.json"])


def test_an_archive_is_read_like_the_folder(tmp_path):
    for path, content in files(seal=True).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / ".schemas").mkdir()
    (tmp_path / ".schemas" / "object.json").write_text("{}")  # an editor's: no part of the pack
    assert read.read(tmp_path).files == read.look_at_archive(archive(files(seal=True))).files


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"objects/a.json": b"{"}, {("malformed", "objects/a.json")}, id="no JSON"),
        pytest.param({"objcts/a.json": BIKE}, {("pack_unknown_file", "objcts/a.json")}, id="a misspelt folder"),
        pytest.param({"code.py": b""}, {("pack_unknown_file", "code.py")}, id="code"),
        pytest.param(
            {"sample/rent__bike.csv": b"name\nA\n"}, {("pack_table_without_id", "sample/rent__bike.csv")}, id="a table without $id"
        ),
        pytest.param({"sample/rent__bike.csv": b"$id,name\na\n"}, {("pack_table_row", "sample/rent__bike.csv")}, id="a row too short"),
        pytest.param({"sample/rent__bike.csv": b"$id\na\na\n"}, {("pack_table_doubled", "sample/rent__bike.csv")}, id="a doubled $id"),
        pytest.param({"sample/rent__bike.csv": b"$id\n\xff\n"}, {("pack_table", "sample/rent__bike.csv")}, id="not UTF-8"),
        pytest.param({"sample/people.json": b"[]"}, {("wrong_type", "sample/people.json")}, id="people that are a list"),
        pytest.param(
            {"objects/bike.json": {**BIKE, "api_name": "bike"}}, {("pack_prefix", "objects/bike.json")}, id="a name without the prefix"
        ),
        pytest.param(
            {"extensions/account.json": {"kind": "object_extension", "object": "account", "fields": {"bikes": {"type": "number"}}}},
            {("pack_prefix", "extensions/account.json")},
            id="a field of another's object without the prefix",
        ),
    ],
)
def test_wrong_files_are_refused(given, expected):
    assert problems_of(files({**BIKES, **given})) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": "sales"}, "pack_reserved"),
        ({"version": "1.0"}, "bad_form"),
        ({"requires": {"crm": "latest!"}}, "bad_form"),
        ({"requires": {"crm": "^^1"}}, "pack_range"),
        ({"platform": ">=99"}, "platform_version"),
        ({"requires": {"rental": "*"}}, "requires_cycle"),
        ({"namespace": None}, "missing_key"),
        ({"licence": "MIT"}, "unknown_key"),
    ],
)
def test_wrong_manifests_are_refused(changed, expected):
    found = problems_of(files(**changed))
    assert (expected, "pack.json") in found


def test_every_problem_is_told_at_once():
    found = problems_of(files({**BIKES, "objects/a.json": b"{", "evil.svg": b"", "sample/rent__bike.csv": b""}, version="1"))
    assert found == {
        ("malformed", "objects/a.json"),
        ("pack_unknown_file", "evil.svg"),
        ("pack_table_without_id", "sample/rent__bike.csv"),
        ("bad_form", "pack.json"),
    }


def test_a_pack_without_manifest_is_none():
    assert problems_of({path: content for path, content in files().items() if path != "pack.json"}) == {
        ("pack_manifest_missing", "pack.json")
    }


def test_the_seal_tells_what_changed_came_and_went():
    whole = files({**BIKES, "docs/en/index.md": b"Bikes", "docs/en/more.md": b"More"}, seal=True)
    changed = {path: content for path, content in whole.items() if path != "docs/en/more.md"}
    changed |= {"docs/en/index.md": b"Boats", "docs/en/extra.md": b"Extra"}
    assert problems_of(changed) == {
        ("pack_hash", "docs/en/index.md"),
        ("pack_file_missing", "docs/en/more.md"),
        ("pack_file_extra", "docs/en/extra.md"),
    }


@pytest.mark.parametrize("path", ["../pack.json", "/etc/passwd", "objects\\a.json", "C:/a.json", "objects/../../a.json"])
def test_an_archive_does_not_lead_out_of_itself(path):
    with pytest.raises(Refused) as refused:
        read.look_at_archive(archive({path: b"{}"}))
    assert refused.value.problems[0].code == "pack_archive_unsafe"


def test_an_archive_holds_no_links():
    with pytest.raises(Refused) as refused:
        read.look_at_archive(archive({"pack.json": b"/etc/passwd"}, link="pack.json"))
    assert refused.value.problems[0].code == "pack_archive_unsafe"


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", archive({"pack.json": b"x" * 100})[:60]])
def test_a_broken_archive_is_refused(content):
    with pytest.raises(Refused) as refused:
        read.look_at_archive(content)
    assert refused.value.problems[0].code == "pack_archive_broken"


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(limits, "PACK_BYTES", 1_000)
    with pytest.raises(Refused) as refused:
        read.look_at_archive(archive({"pack.json": b" " * 100_000}))
    assert refused.value.problems[0].code == "limit_exceeded"


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "PACK_FILES", 3)
    with pytest.raises(Refused) as refused:
        read.look_at_archive(archive({f"docs/en/{number}.md": b"" for number in range(4)}))
    assert refused.value.problems[0].code == "limit_exceeded"


def test_what_is_not_there_is_said_so(tmp_path):
    with pytest.raises(Refused) as refused:
        read.read(tmp_path / "nothing")
    assert refused.value.problems[0].code == "pack_not_found"
