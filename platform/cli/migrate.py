"""`fieldstone migrate`: bring the system tables of an existing database to this version.

Here: the command. Not here: the revisions (`db/migrations/`).
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldstone.cli.opening import begin_log, existing, settings
from fieldstone.db.migrations import migrate


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
def command(data: Path | None) -> None:
    """Bring the system tables to this version. Two that start together wait for each other."""
    chosen = settings(data=data)
    begin_log(chosen)
    org = existing(chosen)
    try:
        click.echo(f"System tables are at revision {migrate(org.engine)}.")
    finally:
        org.close()
