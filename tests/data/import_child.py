"""An import in a process of its own, to be killed: `python -m tests.data.import_child DATABASE ARGUMENTS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fieldstone.data import imports
from fieldstone.db.engine import create_engine
from fieldstone.db.transaction import read
from fieldstone.metadata.store import read_version
from fieldstone.records.save import Records
from fieldstone.rules import register_functions
from tests.data.test_imports import DOCUMENTS
from tests.support.worlds import SECRET, Fixed, built, core_document

if __name__ == "__main__":
    database, given = sys.argv[1], json.loads(sys.argv[2])
    snapshot = built([*DOCUMENTS, core_document("objects/user.json")])
    engine = create_engine(database, on_connect=(register_functions,))
    with read(engine) as tx:
        version = read_version(tx.connection).number
    records = Records(engine, Fixed({version: snapshot}), secret=SECRET)
    imports.run(records, imports.opened(records, Path(given["files"]), given["job"], records.principal(given["user"])))
