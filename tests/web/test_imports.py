"""Importing on pages: each stage keeps what was said, problems stand where they arise, one answer counts for all rows."""

from __future__ import annotations

import io
import re

import pytest

from fieldstone.app import Background
from fieldstone.data import jobs
from fieldstone.db.transaction import read
from fieldstone.records.query import Query
from fieldstone.workflow import outbox, tasks
from fieldstone.workflow.outbox import OUTBOX
from tests.support import pages

HEADER = "Deal name,Customer,Stage,Amount,Closing date\n"
ROWS = "A-1,Kestrel Aero,Open,100.50,3/4/2026\nA-2,KestrelAero,Opn,2,5/6/2026\nA-3,KestrelAero,Won,3,\n"


@pytest.fixture
def importing(site, admin, tmp_path, monkeypatch):
    """An administrator with an account to find; files lie in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    site.create("account", name="Kestrel Aero")
    return admin


def upload(person, text: str = HEADER + ROWS, object_name: str = "deal", **more) -> str:
    """Upload a file and return the address of its job."""
    person.get("/imports/new")
    fields = {"object": object_name, "file": [(io.BytesIO(text.encode()), "deals.csv")], **more}
    answer = person.post("/imports/new", fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removesuffix("/file")


def work(site) -> None:
    """Do what waits for a worker."""
    for _ in range(5):
        with read(site.org.engine) as tx:
            waiting = [row.id for row in tx.connection.execute(OUTBOX.select().where(OUTBOX.c.state.in_(outbox.OPEN)))]
        for each in waiting:
            tasks.perform(site.org.engine, site.org.handlers, each)


def mapped(person, job: str, **more) -> object:
    """Confirm the reading and the fields."""
    read_as = {"encoding": "utf-8", "delimiter": "comma", "header": "1", "d.4": "M/D/Y"}
    assert person.post(f"{job}/file", read_as).status_code == 303
    fields = {"c.0": "name", "c.1": "account", "c.2": "stage", "c.3": "amount", "c.4": "close_date"}
    return person.post(f"{job}/map", {**fields, "operation": "create_or_skip", "found_by": "name", **more})


def names(site) -> list[str]:
    with site.org.records.reading(pages.BUILDER) as gate:
        return sorted(record["name"] for record in gate.read(Query(object="deal", select=("name",), limit=50)).records)


def test_only_holders_of_the_right_may_import(rep, admin):
    assert rep.get("/imports").status_code == 403
    assert "/imports/new?object=deal" not in rep.get("/o/deal").text
    assert "/imports/new?object=deal" in admin.get("/o/deal").text
    assert "Nothing was imported yet" in admin.get("/imports").text


def test_what_is_missing_is_said_at_its_place(importing):
    importing.get("/imports/new")
    answer = importing.post("/imports/new", {"object": ""})
    assert answer.status_code == 422
    assert "Choose a file." in answer.text
    assert "Choose what the rows of the file are." in answer.text


def test_an_unreadable_file_is_refused_at_the_file(importing):
    importing.get("/imports/new")
    answer = importing.post("/imports/new", {"object": "deal", "file": [(io.BytesIO(b""), "empty.csv")]})
    assert answer.status_code == 422
    assert "The file is empty" in answer.text


def test_dates_that_can_be_read_in_two_ways_must_be_decided(importing):
    job = upload(importing)
    page = importing.get(f"{job}/file").text
    assert "Choose which number is the month" in page
    assert "Kestrel Aero" in page
    answer = importing.post(f"{job}/file", {"encoding": "utf-8", "delimiter": "comma", "header": "1"})
    assert answer.status_code == 422
    assert "can be read in two ways" in answer.text


def test_another_delimiter_is_shown_before_it_is_kept(importing):
    job = upload(importing)
    answer = importing.post(f"{job}/file/draft", {"encoding": "utf-8", "delimiter": "semicolon", "header": "1"})
    assert answer.status_code == 200
    assert "Deal name,Customer" in answer.text


def test_fields_are_suggested_with_their_reason(importing):
    job = upload(importing)
    importing.post(f"{job}/file", {"encoding": "utf-8", "delimiter": "comma", "header": "1", "d.4": "D/M/Y"})
    page = importing.get(f"{job}/map").text
    chosen = re.findall(r'name="c\.(\d)".*?<option value="([a-z_]*)" selected', page)
    assert chosen == [("0", "name"), ("1", "account"), ("2", "stage"), ("3", "amount"), ("4", "close_date")]
    assert "Often means the same" in page
    assert 'value="Opn"' in page  # a value that the list does not have


def test_a_mapping_that_does_not_fit_keeps_what_was_typed(importing):
    job = upload(importing)
    answer = mapped(importing, job, **{"c.1": "name", "x.0.field": "reason", "x.0.kind": "expression", "x.0.text": "UPPER(nowhere)"})
    assert answer.status_code == 422
    assert "Two columns go to Name" in answer.text
    assert "UPPER(nowhere)" in answer.text


def test_from_file_to_records_with_one_answer_for_all_rows(site, importing):
    job = upload(importing)
    answer = mapped(importing, job)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{job}/check")
    assert "x-import-progress" in importing.get(f"{job}/check").text
    assert importing.get(f"{job}/progress").json["state"] == "waiting"
    work(site)
    assert importing.get(f"{job}/progress").json["location"] == f"{job}/check"
    page = importing.get(f"{job}/check").text
    assert "KestrelAero → Kestrel Aero, 2 rows" in page
    assert names(site) == []
    importing.post(f"{job}/answer", {"field": "account", "value": "KestrelAero", "meant": "Kestrel Aero"})
    importing.post(f"{job}/answer", {"field": "stage", "value": "Opn", "meant": "open"})
    work(site)
    assert "Import 3 rows" in importing.get(f"{job}/check").text
    assert importing.post(f"{job}/start").status_code == 303
    assert "Cancel the import" in importing.get(job).text
    work(site)
    assert names(site) == ["A-1", "A-2", "A-3"]
    report = importing.get(job).text
    assert "All rows are imported." in report
    sums = importing.get(f"{job}/sums").text
    assert "105.50" in sums
    assert "Equal" in sums
    assert "deals.csv" in importing.get("/imports").text


def test_a_reload_and_a_way_back_lose_nothing(site, importing):
    job = upload(importing)
    mapped(importing, job, **{"x.0.field": "reason", "x.0.kind": "constant", "x.0.text": "imported"})
    assert importing.get(job).headers["Location"] == f"{job}/check"
    page = importing.get(f"{job}/map").text
    assert 'value="imported"' in page
    assert importing.get(f"{job}/mapping.json").json["columns"][-1]["constant"] == "imported"


def test_failed_rows_come_back_as_a_file(site, importing):
    job = upload(importing)
    mapped(importing, job)
    work(site)
    importing.post(f"{job}/start")
    work(site)
    assert names(site) == ["A-1"]
    answer = importing.get(f"{job}/errors.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert lines[0].endswith("_row,_outcome,_id,_code,_field,_message")
    assert len(lines) == 3


def test_an_import_can_be_cancelled_before_a_worker_takes_it(site, importing):
    job = upload(importing)
    mapped(importing, job)
    work(site)
    importing.post(f"{job}/start")
    importing.post(f"{job}/cancel")
    work(site)
    assert names(site) == []
    assert "The import was cancelled." in importing.get(job).text


def test_the_job_of_another_person_is_not_there(site, importing):
    job = upload(importing)
    assert site.visitor("hans").get(f"{job}/map").status_code == 404


def test_a_mapping_made_elsewhere_is_taken_along(site, importing):
    mapping = b'{"object": "deal", "columns": [{"field": "name", "column": "Deal name"}, {"field": "reason", "constant": "old system"}]}'
    job = upload(importing, mapping=[(io.BytesIO(mapping), "m.json")])
    page = importing.get(f"{job}/map").text
    assert 'value="old system"' in page
    importing.get("/imports/new")
    wrong = {"object": "account", "file": [(io.BytesIO(b"a\n1\n"), "a.csv")], "mapping": [(io.BytesIO(mapping), "m.json")]}
    assert importing.post("/imports/new", wrong).status_code == 422


def test_a_file_that_was_created_before_asks_first(site, importing):
    for again in (False, True):
        job = upload(importing, HEADER + "A-1,,Open,1,\n")
        importing.post(f"{job}/file", {"encoding": "utf-8", "delimiter": "comma", "header": "1"})
        importing.post(f"{job}/map", {"c.0": "name", "c.2": "stage", "operation": "create"})
        work(site)
        assert ("imported by this mapping before" in importing.get(f"{job}/check").text) is again
        assert importing.post(f"{job}/start").status_code == (422 if again else 303)
        work(site)
    with read(site.org.engine) as tx:
        assert len(jobs.listed(tx.connection, None)) == 2
    assert names(site) == ["A-1"]


def test_the_pages_speak_chinese(site, importing):
    hans = site.visitor("hans")
    assert "导入" in hans.get("/imports").text
    assert "New import" not in hans.get("/imports/new").text


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_in_a_browser_the_bar_moves_and_leads_to_the_report(prepared, tmp_path, page, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the site's files lie
    engine = prepared("pages", pages.prepare)
    with pages.served(engine) as site:
        site.create("account", name="Kestrel Aero")
        background = Background(site.org)
        background.start()
        try:
            file = tmp_path / "deals.csv"
            file.write_text(HEADER + "".join(f"A-{n},KestrelAero,Open,{n},12/31/2099\n" for n in range(450)), "utf-8")
            page.goto(f"{site.address}/login")
            page.fill("[name=username]", "admin")
            page.fill("[name=password]", pages.PASSWORD)
            page.press("[name=password]", "Enter")
            page.wait_for_url(f"{site.address}/")
            page.goto(f"{site.address}/o/deal")
            page.click("[popovertarget=list-menu]")
            page.click("text=Import")
            page.set_input_files("#f-file", str(file))
            page.click("text=Next: reading")
            page.click("text=Next: fields")
            page.select_option("[name='c.3']", "")
            page.wait_for_selector("[name=found_by][value=amount]", state="detached")
            page.select_option("[name='c.3']", "amount")
            page.wait_for_selector("[name=found_by][value=amount]")
            page.click("text=Next: check")
            page.click("button:has-text('KestrelAero → Kestrel Aero, 450 rows')")
            page.click("button:has-text('Import 450 rows')")
            page.wait_for_selector("text=All rows are imported.", timeout=60_000)
            page.wait_for_selector("text=Equal")
        finally:
            background.stop()


def test_a_forged_operation_is_refused_and_nothing_is_kept(importing):
    job = upload(importing)
    answer = mapped(importing, job, operation="creat")
    assert answer.status_code == 422
    assert "create_or_skip" in answer.text
    assert mapped(importing, job).status_code == 303
