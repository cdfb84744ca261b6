"""`fieldstone org`: create an org in a database that has none.

Here: the command. Not here: founding (`app.py`), packs (`pack.py`).
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldstone.app import found, is_founded, open_org
from fieldstone.cli.opening import begin_log, settings
from fieldstone.cli.run import print_logins
from fieldstone.errors import Problem, Refused


@click.group()
def command() -> None:
    """Create an org."""


@command.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
@click.option("--name", default="Fieldstone", show_default=True, help="Name of the org.")
@click.option("--sample/--no-sample", default=False, show_default=True, help="Load sample data.")
def create(data: Path | None, name: str, sample: bool) -> None:
    """Make the tables and an org with the shipped packs; print the first logins, whose passwords are shown this once."""
    chosen = settings(data=data)
    begin_log(chosen)
    org = open_org(chosen)
    try:
        if is_founded(org):
            raise Refused(Problem(code="org_exists"))
        print_logins(found(org, name=name, sample=sample))
    finally:
        org.close()
