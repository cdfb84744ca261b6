"""Puts the application together: settings become an engine, the holder of snapshots, the save pipeline with workflow's steps, the queue.

Here: `Org`, `open_org`, founding one, the background work of the embedded shape. Not here: what the parts do. The surfaces, the
workers and the tests all begin with an `Org`.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import partial

from celery import Celery
from sqlalchemy import Engine

from fieldstone import rules
from fieldstone.auth.first_logins import FirstLogin as Login
from fieldstone.auth.first_logins import first_logins
from fieldstone.data import background as imports_in_background
from fieldstone.db.engine import create_engine
from fieldstone.db.migrations import current as schema_revision
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import read, write
from fieldstone.metadata import publish, store
from fieldstone.metadata.holder import Holder
from fieldstone.packs.install import install
from fieldstone.packs.read import SHIPPED
from fieldstone.records import recycle_bin
from fieldstone.records.reindexing import catch_up
from fieldstone.records.save import Records
from fieldstone.settings import Settings
from fieldstone.workflow import housekeeping, queue, sweeper, tasks
from fieldstone.workflow.approvals import handover, in_use
from fieldstone.workflow.approvals.commands import Approvals
from fieldstone.workflow.approvals.notices import Notices
from fieldstone.workflow.approvals.panel import Panels
from fieldstone.workflow.deliveries import Post, mail_handler
from fieldstone.workflow.outbox import Outbox
from fieldstone.workflow.steps import steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """One org, open: what every surface, worker and job works with. Shared by all threads of the process."""

    settings: Settings
    name: str  # keeps its queues apart from those of other orgs on one broker
    engine: Engine
    holder: Holder
    records: Records
    approvals: Approvals
    panels: Panels
    outbox: Outbox
    handlers: tasks.Handlers
    celery: Celery

    def scheduler(self) -> sweeper.Scheduler:
        """Return the loop that offers due work and plans periodic work."""
        return sweeper.Scheduler(self.engine, self.outbox, (*housekeeping.PERIODIC, handover.PERIODIC))

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()


def open_org(settings: Settings) -> Org:
    """Return the org of these settings. The database may still be empty: see `is_founded` and `found`.

    Raises Refused for a secret key that cannot be trusted.
    """
    settings = settings.with_secret()
    engine = create_engine(
        settings.database,
        schema=settings.database_schema or None,
        on_connect=(rules.register_functions,),
        pool_size=settings.database_pool,
    )
    return assembled(settings, engine)


def assembled(settings: Settings, engine: Engine) -> Org:
    """Return the org on an engine that is open already: for `open_org`, and for tests on databases of their own."""
    holder = Holder(engine, in_use=in_use.problems)
    name = hashlib.sha256(f"{settings.database} {settings.database_schema}".encode()).hexdigest()[:12]
    purge_bin = partial(recycle_bin.purge_due, engine, holder)
    handlers: dict[str, tasks.Handler] = {}  # filled below: what they do may need the queue that calls them
    celery = queue.celery_app(settings.broker_url, partial(tasks.perform, engine, handlers), org=name)
    outbox = Outbox(hint=queue.Queue(celery, org=name).hint)
    post = Post(outbox=outbox, sender=settings.mail_from, smtp_url=settings.smtp_url)
    notices = Notices(post=post, address=settings.address, currency=settings.currency)
    records = Records(engine, holder, steps(notices), secret=settings.secret_key, currency=settings.currency)
    imports = imports_in_background.handlers(records, settings.files, outbox)
    handlers.update(
        tasks.handlers([mail_handler(settings.smtp_url), *housekeeping.handlers(engine, purge_bin, partial(catch_up, records)), *imports])
    )
    approvals = Approvals(records=records, notices=notices)
    handlers.update(tasks.handlers([handover.handler(approvals)]))
    return Org(
        settings=settings,
        name=name,
        engine=engine,
        holder=holder,
        records=records,
        approvals=approvals,
        panels=Panels(records=records),
        outbox=outbox,
        handlers=handlers,
        celery=celery,
    )


class Background:
    """Worker and scheduler in threads of this process: the embedded shape."""

    def __init__(self, org: Org) -> None:
        self._worker = queue.InProcessWorker(partial(tasks.perform, org.engine, org.handlers), org=org.name)
        self._scheduler = org.scheduler()
        self._resume = partial(publish.resume_all, org.engine, snapshots=org.holder)

    def start(self) -> None:
        """Start both, and take up what publishing a killed process had left; return when they take work."""
        self._worker.start()
        self._scheduler.start()
        threading.Thread(target=self._resume, name="resume plans", daemon=True).start()

    def stop(self) -> None:
        """Let what is being done be finished; what has not begun stays in the outbox."""
        self._scheduler.stop()
        self._worker.stop()


def is_founded(org: Org) -> bool:
    """Tell whether the database holds an org."""
    if schema_revision(org.engine) is None:
        return False
    with read(org.engine) as transaction:
        return transaction.connection.execute(store.READ_VERSION).first() is not None


def found(org: Org, *, name: str, sample: bool = True) -> tuple[Login, ...]:
    """Make the system tables and an org with the shipped packs; return who may sign in. `sample` loads sample data, with people in it."""
    migrate(org.engine)
    with write(org.engine) as transaction:
        store.found_org(transaction.connection, name=name, language=org.settings.language, zone=org.settings.time_zone, now=transaction.now)
    installed = install(org, SHIPPED, sample)
    return first_logins(org.records, installed.people)
