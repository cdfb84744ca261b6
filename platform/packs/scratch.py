"""A scratch org: an org of its own in a file of its own, in which checks do what people do and nothing leaves.

Here: making one with packs in it, and going back to how it was after each check.
Not here: what a check does (`checks.py`).
Source: spec/packs.md, section 6.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from fieldstone import rules
from fieldstone.db.engine import create_engine
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import write
from fieldstone.metadata import store
from fieldstone.metadata.holder import Holder
from fieldstone.packs.install import install
from fieldstone.packs.read import Pack
from fieldstone.records.save import Records
from fieldstone.workflow.approvals import in_use
from fieldstone.workflow.approvals.commands import Approvals
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.panel import Panels
from fieldstone.workflow.deliveries import Post
from fieldstone.workflow.outbox import Outbox
from fieldstone.workflow.steps import steps

ADDRESS = "http://scratch.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """One scratch org. Mails stay in its tables, for no outbox of it is ever worked through."""

    engine: Engine
    holder: Holder
    records: Records
    approvals: Approvals
    panels: Panels
    file: Path
    kept: Path
    ids: dict[str, str] = field(default_factory=dict)  # of its sample records, by `$id`

    def keep(self) -> None:
        """Take note of how the org is now: `restore` goes back to it."""
        self.engine.dispose()  # the last connection to close brings the log into the file
        shutil.copyfile(self.file, self.kept)

    def restore(self) -> None:
        """Undo everything since `keep`."""
        self.engine.dispose()
        for beside in ("-wal", "-shm"):
            self.file.with_name(self.file.name + beside).unlink(missing_ok=True)
        shutil.copyfile(self.kept, self.file)


@contextmanager
def scratch(
    names: Sequence[str], offered: Mapping[str, Pack], *, sample: bool, language: str = "en", zone: str = "UTC"
) -> Iterator[Scratch]:
    """Yield an org with the packs `names` and what they require, in a temporary folder that goes afterwards.

    Raises Refused when the packs cannot be installed.
    """
    with tempfile.TemporaryDirectory(prefix="fieldstone-checks-") as folder:
        file = Path(folder) / "org.db"
        engine = create_engine(f"sqlite:///{file}", on_connect=(rules.register_functions, _forgetful))
        try:
            made = _assembled(engine, file)
            migrate(engine)
            with write(engine) as transaction:
                store.found_org(transaction.connection, name="Checks", language=language, zone=zone, now=transaction.now)
            installed = install(made, ["core", *names], sample, offered=offered)
            made.ids.update(installed.ids)
            made.keep()
            yield made
        finally:
            engine.dispose()


def _forgetful(connection: sqlite3.Connection) -> None:
    """What does not outlive the checks need not survive a power cut."""
    connection.execute("PRAGMA synchronous = OFF")


def _assembled(engine: Engine, file: Path) -> Scratch:
    notices = Notices(post=Post(outbox=Outbox(), sender="checks@scratch.invalid"), address=ADDRESS)
    holder = Holder(engine, in_use=in_use.problems)
    records = Records(engine, holder, steps(notices), secret="checks of packs in a scratch org")  # noqa: S106 - signs nothing that lasts
    return Scratch(
        engine=engine,
        holder=holder,
        records=records,
        approvals=Approvals(records=records, notices=notices),
        panels=Panels(records=records),
        file=file,
        kept=file.with_suffix(".kept"),
    )
