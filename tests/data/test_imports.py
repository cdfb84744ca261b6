"""An import on both databases: foretold row by row, each row once whatever happens, several candidates never guessed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from fieldstone.cli.import_ import start
from fieldstone.data import background, error_file, imports, jobs, mapping, near_misses, verification
from fieldstone.data.imports import Import, Report
from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read, write
from fieldstone.errors import NotAllowed, Refused
from fieldstone.metadata.store import read_version
from fieldstone.notify import inbox
from fieldstone.records.query import Query
from fieldstone.records.save import Records
from fieldstone.rules import register_functions
from fieldstone.settings import Settings
from fieldstone.workflow import outbox, tasks
from fieldstone.workflow.outbox import OUTBOX, Outbox
from tests.support import children
from tests.support.orgs import obj, picklist
from tests.support.worlds import SECRET, Fixed, World, built, core_document, everything, permission_set, reopened, rule, world

ACCOUNT = obj("account", {"name": {"type": "text", "label": "Name", "required": True}, "city": {"type": "text", "label": "City"}})
DEAL = obj(
    "deal",
    {
        "name": {"type": "text", "label": "Name", "required": True},
        "code": {"type": "text", "label": "Code", "unique": True, "ignore_case": True},
        "account": {"type": "lookup", "label": "Account", "to": "account"},
        "stage": picklist("open", "won", "lost"),
        "amount": {"type": "currency", "label": "Amount", "scale": 2},
        "closes": {"type": "date", "label": "Closes"},
    },
)
SALES = permission_set(
    "sales",
    {
        "account": everything(ACCOUNT),
        "deal": everything(DEAL),
        "user": {"rights": ["read"], "fields": {"username": "read", "name": "read"}},
    },
    setup=["import", "modify_all_data"],
)
READERS = permission_set("readers", {"deal": everything(DEAL)})
DOCUMENTS = [ACCOUNT, DEAL, SALES, READERS, rule("deal", "won_needs_amount", 'AND(stage = "won", ISBLANK(amount))', "Enter the amount.")]
COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "column": "Deal"},
    {"field": "account", "column": "Customer"},
    {"field": "stage", "column": "Stage", "values": {"closed won": "won"}},
    {"field": "amount", "column": "Value"},
    {"field": "closes", "column": "Closes", "date": "M/D/Y"},
]
HEADER = "Deal,Customer,Stage,Value,Closes\n"
KEPT: dict[str, World] = {}


@dataclass
class Office:
    """A world with a folder of files, whose people import."""

    world: World
    folder: Path
    org: Any = field(init=False)

    def __post_init__(self) -> None:
        from types import SimpleNamespace

        settings = Settings.from_environment({"FIELDSTONE_DATA": str(self.folder)})
        self.org = SimpleNamespace(engine=self.world.engine, records=self.world.records, settings=settings)

    def start(self, text: str, who: str = "sue", columns: list[dict[str, Any]] | None = None, **options: Any) -> Import:
        """Return an import of a file with this text."""
        path = self.folder / "deals.csv"
        path.write_text(text, "utf-8")
        document = {"object": "deal", "operation": "create_or_skip", "found_by": ["name"], "columns": columns or COLUMNS, **options}
        return start(self.org, self.world.principal(who), path, mapping.load(document))

    def run(self, text: str, **options: Any) -> tuple[Import, Report]:
        """Import a file with this text."""
        what = self.start(text, **options)
        return what, imports.run(self.world.records, what)

    def outcomes(self, what: Import) -> list[tuple[int, str, tuple[str, ...]]]:
        """Return row, outcome and codes of the rows of a job."""
        with read(self.world.engine) as tx:
            rows = jobs.row_outcomes(tx.connection, what.job)
        return [(each.row, each.outcome, tuple(found["code"] for found in each.problems or ())) for each in rows]

    def state(self, what: Import) -> str:
        """Return the state of a job."""
        with read(self.world.engine) as tx:
            return str(jobs.get(tx.connection, what.job).state)

    def records(self, *select: str) -> list[dict[str, Any]]:
        """Return all deals."""
        with self.world.reading() as gate:
            return list(gate.read(Query(object="deal", select=select, limit=200)).records)

    def count(self) -> int:
        """Return how many deals there are."""
        with self.world.reading() as gate:
            return gate.count(Query(object="deal"), cap=None).value


def counts(report: Report) -> dict[str, int]:
    return {name: count for name, count in report.counts.items() if count}


@pytest.fixture
def office(prepared: Callable[..., Engine], tmp_path: Path) -> Office:
    def prepare(engine: Engine) -> None:
        made = world(engine, *DOCUMENTS)
        made.person("Sue", sets=["sales"])
        made.person("Bob", sets=["sales"])
        made.person("Rita", sets=["readers"])
        for name, city in (("Acme", "Bonn"), ("GTX Pro", "Ulm"), ("Twin", "Köln"), ("Twin", "Wien")):
            made.create("account", {"name": name, "city": city})
        KEPT[engine.dialect.name] = made

    engine = prepared("imports", prepare)
    like = KEPT[engine.dialect.name]
    made = reopened(engine, like)
    made.people = {name.lower(): user for name, user in like.people.items()}
    return Office(made, tmp_path)


MIXED = HEADER + (
    "A-1,Acme,open,100.50,12/31/2026\n"
    "A-2,GTXPro,open,2,1/2/2026\n"
    "A-3,Twin,open,3,\n"
    "A-4,Acme,wun,4,\n"
    "A-5,Acme,won,,\n"
    "A-6,Acme,closed won,6.25,31/12/2026\n"
    "A-1,Acme,open,7,\n"
    ",Acme,open,8,\n"
    "A-9,Acme,open,9,,one too many\n"
    "A-10,,lost,1.005,\n"
    "A-11,,,11,2026-03-01\n"
)


def foretold(office: Office, what: Import) -> list[tuple[int, str, tuple[str, ...]]]:
    """Return what a rehearsal says of each row."""
    rows = sorted(imports.foretell(office.world.records, what), key=lambda each: each.row)
    return [(each.row, each.outcome, tuple(problem.code for problem in each.problems)) for each in rows]


def test_a_rehearsal_foretells_every_row_and_leaves_nothing(office):
    what = office.start(MIXED)
    predicted = foretold(office, what)
    assert office.count() == 0
    imports.run(office.world.records, what)
    assert office.outcomes(what) == predicted
    assert predicted == [
        (2, "created", ()),
        (3, "failed", ("record_not_found",)),
        (4, "failed", ("several_records",)),
        (5, "failed", ("unknown_choice",)),
        (6, "failed", ("validation_rule",)),
        (7, "failed", ("not_a_date",)),
        (8, "skipped", ()),
        (9, "failed", ("required",)),
        (10, "failed", ("row_ragged",)),
        (11, "failed", ("too_precise",)),
        (12, "created", ()),
    ]


def test_the_counts_add_up_to_the_rows_of_the_file(office):
    _, report = office.run(MIXED)
    assert report.rows == 11
    assert counts(report) == {"created": 2, "skipped": 1, "failed": 8}


def test_a_second_run_creates_nothing(office):
    text = HEADER + "".join(f"D-{n},Acme,open,{n},\n" for n in range(450))
    _, first = office.run(text)
    _, second = office.run(text)
    assert (counts(first), counts(second), office.count()) == ({"created": 450}, {"skipped": 450}, 450)


def test_a_job_that_ended_is_not_run_again(office):
    what, first = office.run(HEADER + "D-1,,open,1,\n", operation="create", found_by=[])
    assert imports.run(office.world.records, what) == first
    assert office.count() == 1


def test_a_file_that_only_creates_is_not_created_twice_unawares(office):
    text = HEADER + "D-1,,open,1,\n"
    what = office.start(text, operation="create", found_by=[])
    imports.run(office.world.records, what)
    again = office.start(text, operation="create", found_by=[])
    records, me = office.world.records, office.world.principal("sue")
    with pytest.raises(Refused) as refused:
        background.start(records, Outbox(), me, again.job)
    assert [problem.code for problem in refused.value.problems] == ["import_twice"]
    background.start(records, Outbox(), me, again.job, again=True)
    assert office.state(again) == "queued"


def test_keys_are_found_in_any_letter_case_where_case_does_not_count(office):
    columns = [{"field": "name", "column": "Deal"}, {"field": "code", "column": "Customer"}]
    text = HEADER + "D-1,abc,,,\nD-2,ABC,,,\n"
    _, report = office.run(text, columns=columns, operation="upsert", found_by=["code"])
    assert counts(report) == {"created": 1, "updated": 1}
    assert [record["name"] for record in office.records("name")] == ["D-2"]


def test_update_changes_what_is_there_and_names_what_is_not(office):
    office.run(HEADER + "D-1,Acme,open,1,\n")
    what, report = office.run(HEADER + "D-1,Acme,open,2,\nD-2,Acme,open,2,\n", operation="update")
    assert counts(report) == {"updated": 1, "failed": 1}
    assert office.outcomes(what)[1] == (3, "failed", ("import_not_found",))


def test_a_blank_cell_is_passed_over_or_clears_as_the_mapping_says(office):
    office.run(HEADER + "D-1,Acme,open,1,\n")
    office.run(HEADER + "D-1,,,,\n", operation="update")
    assert office.records("amount")[0]["amount"] == 1
    columns = [{"field": "name", "column": "Deal"}, {"field": "amount", "column": "Value", "blank": "clear"}]
    office.run(HEADER + "D-1,,,,\n", operation="update", columns=columns)
    assert office.records("amount")[0]["amount"] is None


def test_two_records_that_a_row_may_mean_are_an_error_of_the_row(office):
    for _ in range(2):
        office.world.create("deal", {"name": "D-1"})
    what, _ = office.run(HEADER + "D-1,,open,1,\n", operation="upsert")
    assert office.outcomes(what) == [(2, "failed", ("import_ambiguous",))]


def test_an_owner_is_found_by_name(office):
    columns = [*COLUMNS, {"field": "owner", "column": "Closes"}]
    columns = [each for each in columns if each["field"] != "closes"]
    what, report = office.run(HEADER + "D-1,,open,1,Bob\nD-2,,open,1,Nobody\n", columns=columns)
    assert counts(report) == {"created": 1, "failed": 1}
    assert office.records("owner")[0]["owner"].id == office.world.people["bob"]
    assert office.outcomes(what)[1] == (3, "failed", ("record_not_found",))


def test_expressions_constants_and_value_tables_fill_fields(office):
    columns = [
        {"field": "name", "expression": 'UPPER(deal) & "/" & customer'},
        {"field": "stage", "constant": "open"},
        {"field": "closes", "expression": 'IF(ISBLANK(closes), "2026-01-01", closes)', "date": "M/D/Y"},
    ]
    office.run(HEADER + "d-1,x,,,3/1/2026\nd-2,y,,,\n", columns=columns)
    found = sorted((each["name"], each["stage"], str(each["closes"])) for each in office.records("name", "stage", "closes"))
    assert found == [("D-1/x", "open", "2026-03-01"), ("D-2/y", "open", "2026-01-01")]


def test_near_misses_are_one_line_with_what_was_meant_and_are_answered_once(office):
    text = HEADER + "".join(f"D-{n},GTXPro,wun,1,\n" for n in range(30))
    what = office.start(text)
    with office.world.reading("sue") as gate:
        report = near_misses.with_suggestions(gate, imports.rehearse(office.world.records, what))
    assert {(group.count, group.problem.field, group.problem.suggestion) for group in report.groups} == {
        (30, "account", "GTX Pro"),
        (30, "stage", "won"),
    }
    plan = what.mapping
    for (name, value), meant in near_misses.answers(report).items():
        plan = near_misses.answered(plan, name, value, meant)
    _, again = office.run(text, columns=mapping.dump(plan)["columns"])
    assert counts(again) == {"created": 30}


def test_without_the_right_nobody_imports(office):
    with pytest.raises(NotAllowed):
        office.run(MIXED, who="rita")


def test_the_error_file_holds_the_failed_rows_and_finds_its_mapping_again(office):
    what, _ = office.run(MIXED)
    text = b"".join(error_file.lines(office.world.records, what, lambda problem: problem.code)).decode("utf-8")
    lines = text.splitlines()
    assert lines[0] == "Deal,Customer,Stage,Value,Closes,_row,_outcome,_id,_code,_field,_message"
    assert lines[1] == "A-2,GTXPro,open,2,1/2/2026,3,failed,,record_not_found,account,record_not_found"
    assert len(lines) == 9
    _, again = office.run(text.replace("GTXPro", "GTX Pro"))
    assert again.counts["created"] == 1


def test_sums_of_file_and_database_are_compared_row_by_row(office):
    what, _ = office.run(MIXED)
    [amount] = verification.sums(office.world.records, what)
    assert (amount.field, str(amount.in_file), amount.in_database, amount.different) == ("amount", "111.50", amount.in_file, ())
    record = next(each for each in office.records("id", "name") if each["name"] == "A-1")
    office.world.update("deal", record["id"], {"amount": "1"})
    [amount] = verification.sums(office.world.records, what)
    assert (str(amount.in_database), amount.different) == ("12.00", (2,))


# --- by itself ----------------------------------------------------------------------------------------------------------------

MANY = HEADER + "".join(f"D-{n},Acme,open,{n},\n" for n in range(900))


def perform(office: Office, clock: Callable[[], float] = lambda: 0.0) -> None:
    """Do the work that is waiting, one piece of it."""
    engine, records = office.world.engine, office.world.records
    known = tasks.handlers(background.handlers(records, office.org.settings.files, Outbox(), clock))
    with read(engine) as tx:
        waiting = [row.id for row in tx.connection.execute(OUTBOX.select().where(OUTBOX.c.state.in_(outbox.OPEN)))]
    for each in waiting:
        tasks.perform(engine, known, each)


def test_a_started_import_runs_on_the_bulk_queue(office):
    what = office.start(MANY)
    background.start(office.world.records, Outbox(), office.world.principal("sue"), what.job)
    perform(office)
    assert (office.state(what), office.count()) == ("done", 900)
    with read(office.world.engine) as tx:
        [line] = inbox.page(tx, office.world.people["sue"], "en")
    assert (line.text, line.link) == ("deals.csv is imported: 900 created, 0 updated, 0 with errors", f"/imports/{what.job}")


def test_a_long_import_ends_its_piece_of_work_and_goes_on_later(office):
    what = office.start(MANY)
    background.start(office.world.records, Outbox(), office.world.principal("sue"), what.job)
    ticks = iter(range(0, 100_000, 200))
    perform(office, lambda: float(next(ticks)))
    assert office.state(what) == "running"
    assert 0 < office.count() < 900
    perform(office)
    assert (office.state(what), office.count()) == ("done", 900)


def test_a_cancelled_import_keeps_what_it_did_and_stops(office):
    what = office.start(MANY)
    me = office.world.principal("sue")
    background.start(office.world.records, Outbox(), me, what.job)
    ticks = iter(range(0, 100_000, 200))
    perform(office, lambda: float(next(ticks)))
    before = office.count()
    background.cancel(office.world.records, me, what.job)
    perform(office)
    assert (office.state(what), office.count()) == ("cancelled", before)


def test_an_import_that_cannot_go_on_says_why(office):
    what = office.start(MIXED, columns=[*COLUMNS, {"field": "nothing", "column": "Nowhere"}])
    background.start(office.world.records, Outbox(), office.world.principal("sue"), what.job)
    perform(office)
    with read(office.world.engine) as tx:
        row = jobs.get(tx.connection, what.job)
    assert (row.state, row.problem["code"]) == ("failed", "unknown_field")


def test_a_check_in_the_background_leaves_its_report_with_the_job(office):
    what = office.start(MIXED)
    background.check(office.world.records, Outbox(), office.world.principal("sue"), what.job)
    perform(office)
    with read(office.world.engine) as tx:
        row = jobs.get(tx.connection, what.job)
    assert (row.checked["state"], row.checked["counts"]["failed"], row.state) == ("done", 8, "open")
    assert row.checked["groups"][0]["problem"]["suggestion"] == "GTX Pro"
    assert jobs.same_mapping(row)


def test_only_who_started_an_import_may_stop_it(office):
    what = office.start(MANY)
    with pytest.raises(NotAllowed):
        background.cancel(office.world.records, office.world.principal("bob"), what.job)


def go_on(database: str, files: Path, job: str, user: str) -> None:
    """Run an import that has begun."""
    engine = create_engine(database, on_connect=(register_functions,))
    with read(engine) as tx:
        version = read_version(tx.connection).number
    snapshot = built([*DOCUMENTS, core_document("objects/user.json")])
    records = Records(engine, Fixed({version: snapshot}), secret=SECRET)
    imports.run(records, imports.opened(records, files, job, records.principal(user)))


@pytest.mark.faults
@pytest.mark.parametrize("fault", ["import.chunk_saved:2", "import.before_chunk:3"])
def test_an_import_killed_between_chunks_goes_on_where_it_was(office, fault):
    what = office.start(MANY)
    url = office.world.engine.url.render_as_string(hide_password=False)
    arguments = url, office.org.settings.files, what.job, office.world.people["sue"]
    assert children.run(go_on, *arguments, fault=fault) == (-signal.SIGKILL, None)
    written = office.count()
    assert (office.state(what), written) == ("running", 400 if "before" in fault else 200)
    with read(office.world.engine) as tx:
        assert len(jobs.rows_done(tx.connection, what.job)) == written
    assert counts(imports.run(office.world.records, what)) == {"created": 900}
    assert office.count() == 900


def test_two_workers_at_one_job_write_each_row_once(office):
    what = office.start(MANY)
    with write(office.world.engine) as tx:
        jobs.note_rows(tx, what.job, [jobs.RowOutcome(row=number, outcome="skipped") for number in range(2, 202)])
    report = imports.run(office.world.records, what)
    assert counts(report) == {"created": 700, "skipped": 200}
