"""`fieldstone doctor`: is this installation fit to run?

Here: the checks and their report. Not here: mending anything.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from sqlalchemy import text

from fieldstone.app import Org, is_founded
from fieldstone.cli.main import said
from fieldstone.cli.opening import existing, settings
from fieldstone.db.migrations import current as schema_revision
from fieldstone.db.transaction import read
from fieldstone.errors import FieldstoneError
from fieldstone.metadata import catalogue
from fieldstone.settings import describe

Finding = tuple[bool, str]
BROKER_SECONDS = 5


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
@click.option("--settings", "list_settings", is_flag=True, help="List every setting with its meaning.")
def command(data: Path | None, list_settings: bool) -> None:
    """Say whether the installation is fit to run; ends with 1 if it is not."""
    if list_settings:
        for each in describe():
            click.echo(f"{each.name}  (default {each.default or 'empty'}{', ' + each.unit if each.unit else ''})\n    {each.meaning}")
        return
    healthy = True
    for fine, finding in _findings(data):
        click.echo(f"{'ok  ' if fine else 'BAD '} {finding}")
        healthy = healthy and fine
    raise SystemExit(0 if healthy else 1)


def _findings(data: Path | None) -> Iterator[Finding]:
    try:
        chosen = settings(data=data)
        org = existing(chosen)
    except FieldstoneError as failure:
        yield False, said(failure)
        return
    yield True, f"settings: {'embedded' if chosen.embedded else 'server'}, address {chosen.address}"
    try:
        for check in (_folder, _database, _broker, _schema, _org, _catalogue):
            yield from _checked(check, org)
    finally:
        org.close()


def _checked(check: Callable[[Org], Iterator[Finding]], org: Org) -> Iterator[Finding]:
    try:
        yield from check(org)
    except Exception as failure:  # noqa: BLE001 - a check that fails is a finding
        yield False, f"{check.__name__.strip('_')}: {type(failure).__name__}: {failure}"


def _folder(org: Org) -> Iterator[Finding]:
    folder = org.settings.data
    fine = os.access(folder, os.R_OK | os.W_OK | os.X_OK) if folder.exists() else not org.settings.embedded
    yield fine, f"data folder: {folder}{'' if fine else ', which cannot be written to'}"


def _broker(org: Org) -> Iterator[Finding]:
    if org.settings.in_process_broker:
        yield True, "broker: in the web process"
        return
    with org.celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    yield True, "broker: answers"


def _database(org: Org) -> Iterator[Finding]:
    with read(org.engine) as transaction:
        if org.settings.embedded:
            fine = transaction.connection.execute(text("PRAGMA quick_check")).scalar() == "ok"
            yield fine, f"database: SQLite {sqlite3.sqlite_version}, {'sound' if fine else 'DAMAGED: restore a backup'}"
            return
        version = transaction.connection.execute(text("SHOW server_version")).scalar()
        yield True, f"database: PostgreSQL {version}"


def _schema(org: Org) -> Iterator[Finding]:
    revision = schema_revision(org.engine)
    yield (
        revision is not None,
        f"system tables: {f'revision {revision}' if revision else 'none yet, run fieldstone run or fieldstone org create'}",
    )


def _org(org: Org) -> Iterator[Finding]:
    if not is_founded(org):
        yield False, "org: none yet, run fieldstone run or fieldstone org create"
        return
    snapshot = org.holder.newest()
    yield True, f"org: {snapshot.name}, version {snapshot.version}, {len(snapshot.objects)} objects"


def _catalogue(org: Org) -> Iterator[Finding]:
    if not is_founded(org):
        return
    with read(org.engine) as transaction:
        differences = catalogue.differences(transaction.connection, org.holder.current(transaction.connection))
    yield not differences, "tables of objects: " + ("as the definitions say" if not differences else "; ".join(differences))
