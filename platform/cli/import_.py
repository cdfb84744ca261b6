"""`fieldstone import`: load the records of a file by a mapping, as a named user.

Here: the command. Not here: what an import does (`data/imports.py`).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from fieldstone.app import Org
from fieldstone.auth.logins import user_called
from fieldstone.cli.opening import opened
from fieldstone.data import background, csv_files, error_file, imports, jobs, mapping, near_misses, verification
from fieldstone.data.imports import Import, Report
from fieldstone.db.transaction import read, write
from fieldstone.errors import Problem, Refused
from fieldstone.i18n.texts import word
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.records.principal import Principal


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
@click.option("--as", "username", required=True, help="Sign-in name of the person whose rights count.")
@click.option("--mapping", "mapping_path", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, help="JSON file.")
@click.option("--check", "only_check", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--answer", is_flag=True, help="Take the suggestions for near misses, such as GTXPro for GTX Pro.")
@click.option("--again", is_flag=True, help="Create the rows even if this file was imported by this mapping before.")
@click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows that fail to this file, with the reasons.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(
    data: Path | None, username: str, mapping_path: Path, only_check: bool, answer: bool, again: bool, errors: Path | None, file: Path
) -> None:
    """Load records from FILE."""
    with opened(data=data) as org:
        principal = _person(org, username)
        plan = mapping.load(_document(mapping_path))
        if answer:
            plan = _answered(org, principal, file, plan)
        what = start(org, principal, file, plan)
        if only_check:
            click.echo("Check: nothing was changed.")
            print_report(org, _rehearsed(org, what), plan.object)
            return
        with write(org.engine) as tx:
            background.require_new(tx, what.job, again=again)
        print_report(org, _suggested(org, principal, imports.run(org.records, what)), plan.object)
        _print_sums(org, what)
        if errors is not None:
            words = partial(word, language="en", snapshot=_snapshot(org))
            errors.write_bytes(b"".join(error_file.lines(org.records, what, words)))


def start(org: Org, principal: Principal, file: Path, plan: mapping.ImportMapping) -> Import:
    """Make a job for the file and return its import."""
    reading = csv_files.find_reading(file)
    kept = imports.keep(org.settings.files, file)
    with write(org.engine) as tx:
        source = {"name": file.name, "hash": kept}
        job = jobs.make(tx, principal, object_name=plan.object, mapping=mapping.dump(plan), reading=csv_files.dump(reading), file=source)
    return imports.opened(org.records, org.settings.files, job, principal)


def _document(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Refused(Problem(code="mapping_not_json", params={"file": path.name, "error": str(error)})) from error
    if not isinstance(found, dict):
        raise Refused(Problem(code="mapping_not_json", params={"file": path.name, "error": type(found).__name__}))
    return found


def _rehearsed(org: Org, what: Import) -> Report:
    return _suggested(org, what.principal, imports.rehearse(org.records, what))


def _suggested(org: Org, principal: Principal, report: Report) -> Report:
    with org.records.reading(principal) as gate:
        return near_misses.with_suggestions(gate, report)


def _answered(org: Org, principal: Principal, file: Path, plan: mapping.ImportMapping) -> mapping.ImportMapping:
    """Return the mapping with the suggestions of a check taken into its value tables."""
    for (field, value), meant in near_misses.answers(_rehearsed(org, start(org, principal, file, plan))).items():
        click.echo(f"{field}: {value} is taken for {meant}")
        plan = near_misses.answered(plan, field, value, meant)
    return plan


def _person(org: Org, username: str) -> Principal:
    with read(org.engine) as tx:
        found = user_called(tx.connection, username)
    if found is None:
        raise Refused(Problem(code="no_such_user", params={"username": username}))
    return org.records.principal(found)


def _snapshot(org: Org) -> Snapshot:
    with read(org.engine) as tx:
        return org.holder.current(tx.connection)


def print_report(org: Org, report: Report, object_name: str) -> None:
    """Print the counts, and a line for each reason that rows failed for."""
    click.echo(f"{report.rows} rows: " + ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items()))
    snapshot = _snapshot(org)
    for group in report.groups:
        said = word(group.problem, "en", snapshot, object_name)
        value = group.problem.params.get("value")
        about = (
            f"{group.problem.field} {value}: "
            if group.problem.field and value
            else f"{group.problem.field}: "
            if group.problem.field
            else ""
        )
        click.echo(f"  {group.count} rows (first: row {group.first_row}): {about}{said}")


def _print_sums(org: Org, what: Import) -> None:
    for each in verification.sums(org.records, what):
        verdict = "equal" if each.in_file == each.in_database else "NOT equal"
        click.echo(f"  {each.field}: {each.in_file:f} in the file, {each.in_database:f} in the database, {verdict}")
