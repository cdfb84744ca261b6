"""Somebody who saves, in a process of its own: adds lines to an order."""

from __future__ import annotations

from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read
from fieldstone.metadata.store import read_version
from fieldstone.records.changes import Change
from fieldstone.records.principal import Principal
from fieldstone.records.save import Records
from fieldstone.rules import register_functions
from tests.faults.shop import DOCUMENTS
from tests.support.worlds import SECRET, Fixed, built, core_document


def add_lines(database: str, order: str, prices: str) -> str:
    """Save a line for each of the prices, which commas part."""
    engine = create_engine(database, on_connect=(register_functions,))
    with read(engine) as tx:
        version = read_version(tx.connection).number
    snapshot = built([*DOCUMENTS, core_document("objects/user.json")])
    records = Records(engine, Fixed({version: snapshot}), secret=SECRET)
    lines = [
        Change(object="line", action="create", values={"name": f"line {price}", "order": order, "price": price})
        for price in prices.split(",")
    ]
    records.save(Principal.internal("shop"), lines)
    return "acknowledged"
