"""The yardstick's object as metadata: the same fields, rules, rights and rows, in an org of its own.

Here: documents, an org with them, a token. Not here: how it is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from bench.yardstick import STAGES, rows
from fieldstone import app as application
from fieldstone.auth import tokens
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import read, write
from fieldstone.metadata import publish, store
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.metadata.tables import record_table
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal, assign
from fieldstone.settings import Settings
from tests.support.orgs import row_of

CORE_USER = Path(__file__).parent.parent / "packs" / "core" / "objects" / "user.json"
KEPT = {"history": True}
FIELDS: dict[str, dict[str, Any]] = {
    "name": {"type": "text", "length": 120, "required": True},
    "email": {"type": "email"},
    "company": {"type": "text", "length": 120},
    "stage": {"type": "picklist", "indexed": True, "values": [{"api_name": each.lower(), "label": each} for each in STAGES]},
    "amount": {"type": "currency", "precision": 16, "scale": 2, "indexed": True},
    "probability": {"type": "number", "precision": 3, "scale": 0, "min": 0, "max": 100},
    "close_date": {"type": "date"},
    "active": {"type": "checkbox"},
    "phone": {"type": "text", "length": 40},
    "notes": {"type": "long_text", "length": 32_000},
}
RULES = {
    "won_amount": 'AND(stage = "won", BLANKVALUE(amount, 0) = 0)',
    "won_date": 'AND(amount > 10000, stage = "won", ISBLANK(close_date))',
    "lost_chance": 'AND(stage = "lost", probability > 99)',
    "phone_digits": "AND(NOT(ISBLANK(phone)), LEN(phone) < 4)",
    "mail_nowhere": 'RIGHT(email, 8) = "@invalid"',
    "long_ago": "YEAR(close_date) < 1990",
    "company_name": "AND(NOT(ISBLANK(company)), LEN(TRIM(company)) = 0)",
    "negative": "amount < 0",
    "tests": 'UPPER(name) = "TEST"',
    "won_active": 'AND(NOT(active), stage = "won")',
}


def documents() -> list[dict[str, Any]]:
    """Return the object, its ten rules and the rights of a person who sees only their own."""
    fields = {name: {**field, **KEPT, "label": name.replace("_", " ").capitalize()} for name, field in FIELDS.items()}
    granted = {"rights": ["create", "read", "edit", "delete"], "fields": dict.fromkeys(fields, "edit")}
    return [
        json.loads(CORE_USER.read_text("utf-8")),
        {"kind": "object", "api_name": "deal", "label": "Deal", "plural": "Deals", "default_access": "private", "fields": fields},
        *(
            {"kind": "validation_rule", "object": "deal", "api_name": name, "label": name, "error_when": when, "message": "No."}
            for name, when in RULES.items()
        ),
        {"kind": "profile", "api_name": "administrator", "label": "Administrator"},
        {"kind": "permission_set", "api_name": "seller", "label": "Seller", "objects": {"deal": granted}, "setup": ["import"]},
    ]


def made(settings: Settings, count: int) -> str:
    """Found an org with the object and `count` deals of one person; return the key of their token."""
    org = application.open_org(settings)
    migrate(org.engine)
    with write(org.engine) as tx:
        store.found_org(tx.connection, name="Bench", language="en", zone="UTC", now=tx.now)
    with read(org.engine) as tx:
        planned = plan(org.holder.current(tx.connection), ChangeSet(put=tuple(documents())), tx.connection)
    publish.publish(org.engine, planned.require(), author=publish.Author(id=None, reason="bench"), snapshots=org.holder)
    builder = Principal.internal("bench")
    person = {"name": "Sam Seller", "username": "sam", "email": "sam@example.org", "active": True, "profile": "administrator"}
    (outcome,) = org.records.save(builder, [Change(object="user", action="create", values=person)])
    assert outcome.id is not None
    with write(org.engine) as tx:
        assign(tx.connection, outcome.id, ["seller"])
        _, key = tokens.create(tx, outcome.id, name="bench", scopes=("records:read", "records:write", "records:delete"), by=outcome.id)
    fill(org.engine, org, outcome.id, count)
    org.close()
    return key


def fill(engine: Engine, org: application.Org, owner: str, count: int) -> None:
    """Put the deals into the table as they are: the save pipeline is measured elsewhere."""
    definition = org.holder.newest().object("deal")
    table = record_table(definition)
    for some in batched(rows(count), 5_000):
        with write(engine, statement_seconds=60) as tx:
            now = tx.now
            stamps = {"owner": owner, "created_by": owner, "updated_by": owner, "created_at": now, "updated_at": now}
            tx.connection.execute(insert(table), [row_of(definition, {**each, "stage": each["stage"].lower(), **stamps}) for each in some])
    with write(engine, statement_seconds=60) as tx:
        tx.connection.exec_driver_sql("ANALYZE")


def batched(source: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Cut what comes into lists of `size`."""
    while some := list(islice(source, size)):
        yield some


def settings(database: str, folder: Path, port: int) -> Settings:
    """Return the settings of the org: calls are not limited, everything else as it comes."""
    chosen = Settings(database_url=database, data=folder, port=port, api_rate=0, secret_key="bench only 3fGh7Kq2ZpW5vRt7yBn3xLm9")
    return replace(chosen, broker_url="memory://")
