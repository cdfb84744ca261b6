"""The real sales data set, whole, in the shipped packs: what a newcomer's own data would go through. Both databases."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from fieldstone import app
from fieldstone.auth import users
from fieldstone.auth.logins import user_called
from fieldstone.cli.import_ import start
from fieldstone.data import imports, mapping, near_misses, verification
from fieldstone.data.imports import Report
from fieldstone.db.transaction import read
from fieldstone.metadata import publish
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query
from fieldstone.settings import Settings

MAPPINGS = Path(__file__).parents[2] / "docs/implementer/mappings"
STEPS = (
    ("sales_teams.csv", "1_managers"),
    ("sales_teams.csv", "2_agents"),
    ("accounts.csv", "3_accounts"),
    ("accounts.csv", "4_subsidiaries"),
    ("products.csv", "5_products"),
    ("products.csv", "6_price_book"),
    ("products.csv", "7_prices"),
    ("sales_pipeline.csv", "8_opportunities"),
    ("sales_pipeline.csv", "9_lines"),
)


@dataclass
class Loaded:
    """What the imports of the preparation reported, by the name of the mapping."""

    checked: dict[str, Report] = field(default_factory=dict)
    done: dict[str, Report] = field(default_factory=dict)
    sums: dict[str, tuple[verification.Sum, ...]] = field(default_factory=dict)
    before_the_answer: Report | None = None


LOADED: dict[str, Loaded] = {}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def opened(engine: Engine, files: Path) -> app.Org:
    settings = Settings.from_environment({"FIELDSTONE_DATA": str(files), "FIELDSTONE_SECRET_KEY": "tests only 8dKq2ZpW5vRt7yBn3xLm9"})
    return app.assembled(settings, engine)


def administrator(org: app.Org) -> Principal:
    with read(org.engine) as tx:
        found = user_called(tx.connection, "admin")
    assert found is not None
    return org.records.principal(found)


def named(kind: str, name: str) -> str:
    return f"{kind}_{name.lower().replace(' ', '_')}"


def metadata(org: app.Org, folder: Path) -> list[dict[str, Any]]:
    """What the walk-through publishes: two fields, who reads accounts, four industries, a role for each region, team and team's agents."""
    with read(org.engine) as tx:
        parsed = org.holder.current(tx.connection).parsed
    account, industry = (json.loads(json.dumps(parsed[path], default=str)) for path in ("objects/account.json", "value_sets/industry.json"))
    account["fields"] |= {
        "office_location": {"type": "text", "label": "Office location", "length": 80},
        "year_established": {"type": "number", "label": "Year established", "precision": 4},
    }
    account["default_access"] = "read"
    industry["values"] += [{"api_name": name, "label": name.title()} for name in ("software", "entertainment", "employment", "marketing")]
    found = [account, industry]
    for name in ("crm_read", "crm_edit"):
        rights = json.loads(json.dumps(parsed[f"permission_sets/{name}.json"], default=str))
        level = "read" if name == "crm_read" else "edit"
        rights["objects"]["account"]["fields"] |= {"office_location": level, "year_established": level}
        found.append(rights)
    teams = {(row["regional_office"], row["manager"]) for row in table(folder, "sales_teams.csv")}
    roles = {named("region", region): "sales_director" for region, _ in teams}
    roles |= {named("team", manager): named("region", region) for region, manager in teams}
    roles |= {named("agents", manager): named("team", manager) for _, manager in teams}
    return found + [
        {"kind": "role", "api_name": name, "label": name.replace("_", " ").capitalize(), "parent": parent}
        for name, parent in sorted(roles.items())
    ]


def published(org: app.Org, documents: list[dict[str, Any]], by: Principal) -> None:
    with read(org.engine) as tx:
        planned = plan(org.holder.current(tx.connection), ChangeSet(put=tuple(documents)), tx.connection)
    publish.publish(org.engine, planned, author=publish.Author(id=by.user_id, reason="sales data"), snapshots=org.holder)


def document(name: str) -> mapping.ImportMapping:
    return mapping.load(json.loads((MAPPINGS / f"{name}.json").read_text("utf-8")))


def load_all(org: app.Org, folder: Path) -> Loaded:
    """Check and run every import of the walk-through."""
    published(org, metadata(org, folder), administrator(org))
    loaded, me = Loaded(), administrator(org)
    for file, name in STEPS:
        plan_of_columns = document(name)
        what = start(org, me, folder / file, plan_of_columns)
        checked = imports.rehearse(org.records, what)
        if name == "9_lines":
            with org.records.reading(me) as gate:
                loaded.before_the_answer = near_misses.with_suggestions(gate, checked)
            for (column, value), meant in near_misses.answers(loaded.before_the_answer).items():
                plan_of_columns = near_misses.answered(plan_of_columns, column, value, meant)
            what = start(org, me, folder / file, plan_of_columns)
            checked = imports.rehearse(org.records, what)
        loaded.checked[name] = checked
        loaded.done[name] = imports.run(org.records, what)
        loaded.sums[name] = verification.sums(org.records, what)
    people = {row[key] for row in table(folder, "sales_teams.csv") for key in ("sales_agent", "manager")}
    with org.records.reading(me) as gate:
        ids = gate.having("user", "name", people)
    for name in people:
        users.change_user(org.records, me, ids[name][0], {}, permission_sets=["crm_edit", "sales_rep"])
    return loaded


@pytest.fixture
def org(prepared, sales_data, tmp_path):
    """The sales packs with the whole data set loaded, once for each kind of database."""

    def prepare(engine: Engine) -> None:
        first = opened(engine, tmp_path)
        app.found(first, name="Hardware", sample=False)
        LOADED[engine.dialect.name] = load_all(first, sales_data)

    found = opened(prepared("sales data", prepare), tmp_path)
    yield found
    found.close()


@pytest.fixture
def loaded(org) -> Loaded:
    return LOADED[org.engine.dialect.name]


def counts(report: Report) -> dict[str, int]:
    return {name: count for name, count in report.counts.items() if count}


def test_all_of_it_is_loaded_as_the_check_predicted(loaded):
    assert {name: counts(report) for name, report in loaded.done.items()} == {
        "1_managers": {"created": 6, "skipped": 29},
        "2_agents": {"created": 35},
        "3_accounts": {"created": 85},
        "4_subsidiaries": {"updated": 15, "unchanged": 70},
        "5_products": {"created": 7},
        "6_price_book": {"created": 1, "skipped": 6},
        "7_prices": {"created": 7},
        "8_opportunities": {"created": 8800},
        "9_lines": {"created": 8800},
    }
    assert loaded.done == loaded.checked


def test_a_product_written_two_ways_is_one_line_with_a_suggestion(loaded):
    report = loaded.before_the_answer
    assert counts(report) == {"created": 7320, "failed": 1480}
    [group] = report.groups
    problem = group.problem
    assert (group.count, problem.field, problem.params["value"], problem.suggestion) == (1480, "entry", "GTXPro", "GTX Pro")


def test_the_sums_of_the_database_are_those_of_the_files(loaded, sales_data):
    for sums in loaded.sums.values():
        for each in sums:
            assert (each.in_file, each.different) == (each.in_database, ())
    pipeline = table(sales_data, "sales_pipeline.csv")
    found = {(name, each.field): each.in_database for name, sums in loaded.sums.items() for each in sums}
    assert found["8_opportunities", "amount"] == sum(Decimal(row["close_value"] or 0) for row in pipeline)
    assert found["3_accounts", "annual_revenue"] == sum(Decimal(row["revenue"]) for row in table(sales_data, "accounts.csv"))


def test_every_file_twice_creates_nothing_twice(org, sales_data):
    me = administrator(org)
    for file, name in STEPS:
        plan_of_columns = document(name)
        if name == "9_lines":
            plan_of_columns = near_misses.answered(plan_of_columns, "entry", "GTXPro", "GTX Pro")
        report = imports.run(org.records, start(org, me, sales_data / file, plan_of_columns))
        assert report.counts["created"] == report.counts["failed"] == 0, name


def test_revenue_office_and_parent_are_those_of_the_file(org, sales_data):
    with org.records.reading(administrator(org)) as gate:
        select = ("name", "annual_revenue", "office_location", "year_established", "parent")
        page = gate.read(Query(object="account", select=select, limit=200))
    stored = {each["name"]: each for each in page.records}
    for row in table(sales_data, "accounts.csv"):
        account = stored[row["account"]]
        assert account["annual_revenue"] == Decimal(row["revenue"])
        assert (account["office_location"], account["year_established"]) == (row["office_location"], int(row["year_established"]))
        assert (account["parent"].name if account["parent"] else "") == row["subsidiary_of"]


def test_an_agent_sees_own_deals_and_a_manager_the_team_s(org, sales_data):
    agents = {row["sales_agent"]: row for row in table(sales_data, "sales_teams.csv")}
    own = Counter(row["sales_agent"] for row in table(sales_data, "sales_pipeline.csv"))
    team = Counter(agents[row["sales_agent"]]["manager"] for row in table(sales_data, "sales_pipeline.csv"))
    with org.records.reading(administrator(org)) as gate:
        ids = gate.having("user", "name", {*agents, *team})
    for name, expected in {**{agent: own[agent] for agent in agents}, **team}.items():
        with org.records.reading(org.records.principal(ids[name][0])) as gate:
            assert gate.count(Query(object="opportunity"), cap=None).value == expected, name


def test_an_agent_reads_whose_deals_the_own_ones_are(org, sales_data):
    customers = {row["opportunity_id"]: row["account"] for row in table(sales_data, "sales_pipeline.csv") if row["account"]}
    with org.records.reading(administrator(org)) as gate:
        ids = gate.having("user", "name", {"Darcel Schlecht"})
    with org.records.reading(org.records.principal(ids["Darcel Schlecht"][0])) as gate:
        query = Query(object="opportunity", select=("name", "account"), filter="NOT(ISBLANK(account))", limit=200)
        read_names = {each["name"]: each["account"].name for each in gate.read(query).records}
    assert len(read_names) == 200
    assert read_names.items() <= customers.items()


def test_won_revenue_by_agent_is_the_total_of_a_list_filtered_to_the_agent(org, sales_data):
    won: dict[str, Decimal] = {}
    for row in table(sales_data, "sales_pipeline.csv"):
        if row["deal_stage"] == "Won":
            won[row["sales_agent"]] = won.get(row["sales_agent"], Decimal(0)) + Decimal(row["close_value"])
    with org.records.reading(administrator(org)) as gate:
        for agent, expected in won.items():
            query = Query(object="opportunity", filter=f'AND(stage = "won", owner.name = "{agent}")')
            wanted = {"amount": ("sum", "amount"), "lines": ("sum", "value")}
            assert gate.totals(query, wanted) == {"amount": expected, "lines": expected}, agent


def test_people_of_the_file_exist_without_a_way_to_sign_in(org, sales_data):
    with org.records.reading(administrator(org)) as gate:
        page = gate.read(Query(object="user", select=("name", "username", "manager", "role"), limit=200))
    stored = {each["name"]: each for each in page.records}
    for row in table(sales_data, "sales_teams.csv"):
        agent = stored[row["sales_agent"]]
        assert (agent["username"], agent["manager"].name) == (None, row["manager"])
        assert agent["role"] == named("agents", row["manager"])
