"""The yardstick: one object, written by hand with Flask and SQLAlchemy Core, in two strengths.

`/plain/deals`: a fixed token, checks in Python, one statement, one commit. `/full/deals`: what a CRM owes its customers besides: the
token's row and its rights read with every request, rights on fields, ten rules, history of each field, an audit row and a version check in
the transaction of the change, only own records. No metadata anywhere: this is the floor.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, request

KEY = "a-token-of-the-yardstick"
STAGES = ("New", "Qualified", "Won", "Lost")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PAGE = 50

meta = sa.MetaData()
deal = sa.Table(
    "yard_deal",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("email", sa.String(120)),
    sa.Column("company", sa.String(120)),
    sa.Column("stage", sa.String(20)),
    sa.Column("amount", sa.Numeric(16, 2)),
    sa.Column("probability", sa.Integer),
    sa.Column("close_date", sa.Date),
    sa.Column("active", sa.Boolean),
    sa.Column("phone", sa.String(40)),
    sa.Column("notes", sa.Text),
    sa.Column("owner", sa.Integer),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Index("yard_deal_stage_amount", "stage", "amount"),
)
history = sa.Table(
    "yard_history",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("deal", sa.Integer, index=True),
    sa.Column("field", sa.String(40)),
    sa.Column("old", sa.Text),
    sa.Column("new", sa.Text),
    sa.Column("by", sa.Integer),
    sa.Column("at", sa.DateTime(timezone=True)),
)
audit = sa.Table(
    "yard_audit",
    meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("by", sa.Integer),
    sa.Column("action", sa.String(20)),
    sa.Column("deal", sa.Integer),
    sa.Column("values", sa.Text),
)
token = sa.Table(
    "yard_token",
    meta,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("user", sa.Integer),
    sa.Column("rights", sa.Text),
)
FIELDS = ("name", "email", "company", "stage", "amount", "probability", "close_date", "active", "phone", "notes")
SHOWN = [column for column in deal.c if column.name != "version"]
LENGTHS = {"name": 120, "email": 120, "company": 120, "phone": 40, "notes": 32_000}

RULES: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("a won deal has an amount", lambda d: d.get("stage") == "Won" and not d.get("amount")),
    ("a large won deal has a date", lambda d: (d.get("amount") or 0) > 10_000 and d.get("stage") == "Won" and d.get("close_date") is None),
    ("a lost deal is not certain", lambda d: d.get("stage") == "Lost" and (d.get("probability") or 0) > 99),
    ("a phone number has digits", lambda d: bool(d.get("phone")) and len(d["phone"]) < 4),
    ("no mail to nowhere", lambda d: bool(d.get("email")) and d["email"].endswith("@invalid")),
    ("no dates of long ago", lambda d: d.get("close_date") is not None and d["close_date"].year < 1990),
    ("a company has a name", lambda d: d.get("company") is not None and not d["company"].strip()),
    ("no negative amount", lambda d: d.get("amount") is not None and d["amount"] < 0),
    ("no tests", lambda d: (d.get("name") or "").upper() == "TEST"),
    ("won deals are active", lambda d: d.get("active") is False and d.get("stage") == "Won"),
)


def understood(given: Mapping[str, Any], *, partly: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the typed values of a body and the names of the fields that are wrong."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, longest in LENGTHS.items():
        text = given.get(name)
        if text is None:
            continue
        if not isinstance(text, str) or len(text) > longest or (name == "email" and not MAIL.fullmatch(text)):
            wrong.append(name)
        else:
            values[name] = text
    if not partly and not str(values.get("name", "")).strip():
        wrong.append("name")
    if given.get("stage") is not None:
        values["stage"] = given["stage"]
        if given["stage"] not in STAGES:
            wrong.append("stage")
    if given.get("amount") is not None:
        try:
            values["amount"] = Decimal(str(given["amount"]))
        except InvalidOperation:
            wrong.append("amount")
        else:
            if abs(values["amount"]) > 10**13:
                wrong.append("amount")
    if given.get("probability") is not None:
        values["probability"] = given["probability"]
        if not isinstance(given["probability"], int) or not 0 <= given["probability"] <= 100:
            wrong.append("probability")
    if given.get("close_date") is not None:
        try:
            values["close_date"] = date.fromisoformat(given["close_date"])
        except ValueError:
            wrong.append("close_date")
    if given.get("active") is not None:
        values["active"] = bool(given["active"])
    return values, wrong


def said(value: Any) -> str:
    """Return a value as JSON has it."""
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(json.dumps(value, default=said), status, mimetype="application/json")


def ordered(name: str) -> sa.UnaryExpression[Any]:
    """Return the order that `-amount` or `amount` asks for."""
    column = deal.c[name.removeprefix("-")]
    return column.desc() if name.startswith("-") else column.asc()


def create_app(engine: sa.Engine) -> Flask:
    """Return the application."""
    app = Flask(__name__)
    one = sa.select(*SHOWN).where(deal.c.id == sa.bindparam("id"))
    whole = sa.select(deal).where(deal.c.id == sa.bindparam("id"))
    if engine.dialect.name == "postgresql":
        whole = whole.with_for_update()
    insert = sa.insert(deal).returning(deal.c.id)

    def known() -> bool:
        return request.headers.get("Authorization") == f"Bearer {KEY}"

    def asked() -> Any:
        found = sa.select(*SHOWN)
        if "stage" in request.args:
            found = found.where(deal.c.stage == request.args["stage"])
        limit = min(int(request.args.get("limit", PAGE)), 200)
        return found.order_by(ordered(request.args.get("sort", "id")), deal.c.id).limit(limit)

    @app.post("/plain/deals")
    def plain_create() -> Response:
        values, wrong = understood(request.get_json(), partly=False)
        if not known() or wrong:
            return answer({"wrong": wrong}, 422)
        values |= {"owner": 1, "created_at": datetime.now(UTC)}
        with engine.begin() as connection:
            values["id"] = connection.execute(insert, values).scalar_one()
        return answer(values, 201)

    @app.get("/plain/deals/<int:number>")
    def plain_read(number: int) -> Response:
        with engine.connect() as connection:
            row = connection.execute(one, {"id": number}).mappings().first()
        return answer(dict(row)) if row and known() else answer({}, 404)

    @app.patch("/plain/deals/<int:number>")
    def plain_update(number: int) -> Response:
        values, wrong = understood(request.get_json(), partly=True)
        if not known() or wrong:
            return answer({"wrong": wrong}, 422)
        with engine.begin() as connection:
            changed = sa.update(deal).where(deal.c.id == number).values(**values).returning(*SHOWN)
            row = connection.execute(changed).mappings().first()
        return answer(dict(row)) if row else answer({}, 404)

    @app.get("/plain/deals")
    def plain_list() -> Response:
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(asked()).mappings()]
        return answer({"deals": rows}) if known() else answer({}, 401)

    def person(connection: sa.Connection) -> tuple[int, dict[str, Any]]:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        row = connection.execute(sa.select(token.c.user, token.c.rights).where(token.c.key == key)).one()
        return row.user, json.loads(row.rights)

    def shown(rights: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        readable = frozenset(rights["read"])
        return {name: value for name, value in values.items() if name in readable}

    def refused(rights: Mapping[str, Any], right: str, given: Mapping[str, Any]) -> list[str]:
        return ["right"] if right not in rights["deal"] else [name for name in given if name not in rights["edit"]]

    def note(connection: sa.Connection, number: int, user: int, action: str, lines: Iterator[tuple[str, Any, Any]], values: Any) -> None:
        now = datetime.now(UTC)
        rows = [{"deal": number, "field": field, "old": old, "new": new, "by": user, "at": now} for field, old, new in lines]
        connection.execute(sa.insert(history), rows)
        told = json.dumps(values, default=said)
        connection.execute(sa.insert(audit), {"at": now, "by": user, "action": action, "deal": number, "values": told})

    @app.post("/full/deals")
    def full_create() -> Response:
        given = request.get_json()
        with engine.begin() as connection:
            user, rights = person(connection)
            wrong = refused(rights, "create", given)
            values, misread = understood(given, partly=False)
            wrong += misread or [name for name, broken in RULES if broken(values)]
            if wrong:
                return answer({"wrong": wrong}, 422)
            values |= {"owner": user, "created_at": datetime.now(UTC)}
            values["id"] = connection.execute(insert, values).scalar_one()
            note(connection, values["id"], user, "create", iter([("created", None, None)]), values)
        return answer(shown(rights, values), 201)

    @app.get("/full/deals/<int:number>")
    def full_read(number: int) -> Response:
        with engine.connect() as connection:
            user, rights = person(connection)
            row = connection.execute(one, {"id": number}).mappings().first()
        if row is None or (row["owner"] != user and not rights["all"]):
            return answer({}, 404)
        return answer(shown(rights, row))

    @app.patch("/full/deals/<int:number>")
    def full_update(number: int) -> Response:
        given = request.get_json()
        with engine.begin() as connection:
            user, rights = person(connection)
            wrong = refused(rights, "edit", given)
            before = connection.execute(whole, {"id": number}).mappings().first()
            if before is None or (before["owner"] != user and not rights["all"]):
                return answer({}, 404)
            values, misread = understood(given, partly=True)
            after = {**before, **values}
            wrong += misread or [name for name, broken in RULES if broken(after)]
            if wrong:
                return answer({"wrong": wrong}, 422)
            changed = {name: value for name, value in values.items() if before[name] != value}
            if changed:
                wanted = (deal.c.id == number, deal.c.version == before["version"])
                done = connection.execute(sa.update(deal).where(*wanted).values(**changed, version=before["version"] + 1))
                if done.rowcount != 1:
                    return answer({}, 409)
                note(connection, number, user, "update", ((n, str(before[n]), str(v)) for n, v in changed.items()), changed)
        return answer(shown(rights, after))

    @app.get("/full/deals")
    def full_list() -> Response:
        with engine.connect() as connection:
            user, rights = person(connection)
            wanted = asked() if rights["all"] else asked().where(deal.c.owner == user)
            rows = [shown(rights, row) for row in connection.execute(wanted).mappings()]
        return answer({"deals": rows})

    return app


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield the same deals for the yardstick and for Fieldstone: values by field name."""
    drawn = random.Random(1)
    first = date(2026, 1, 1)
    for number in range(count):
        yield {
            "name": f"Deal {number}",
            "email": f"deal{number}@example.org",
            "company": f"Company {drawn.randrange(20_000)}",
            "stage": STAGES[drawn.randrange(4)],
            "amount": Decimal(drawn.randrange(10**9)).scaleb(-2),
            "probability": drawn.randrange(100),
            "close_date": first + timedelta(days=drawn.randrange(700)),
            "active": True,
            "phone": "+49 30 1234567",
            "notes": "Some words about what was said on the telephone. " * 3,
        }


def fill(engine: sa.Engine, count: int) -> None:
    """Make the tables, a token, and `count` deals."""
    meta.create_all(engine)
    every = [column.name for column in deal.c]
    rights = {"deal": ["create", "edit", "read"], "all": False, "read": every, "edit": list(FIELDS)}
    with engine.begin() as connection:
        connection.execute(sa.insert(token), {"key": KEY, "user": 1, "rights": json.dumps(rights)})
        now, batch = datetime.now(UTC), []
        for row in rows(count):
            batch.append({**row, "owner": 1, "created_at": now})
            if len(batch) == 5_000:
                connection.execute(sa.insert(deal), batch)
                batch.clear()
        if batch:
            connection.execute(sa.insert(deal), batch)
        connection.exec_driver_sql("ANALYZE")
