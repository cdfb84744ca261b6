"""`fieldstone pack`: list, check, plan and install packs, remove sample data; test and seal a pack that is being written.

Whoever has the machine may do so.

Here: the commands. Not here: what they do (`packs/`).
Source: spec/packs.md, section 19.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from fieldstone.app import Org
from fieldstone.cli.opening import opened
from fieldstone.db.transaction import read as reading
from fieldstone.errors import Problem, Refused
from fieldstone.i18n.texts import word
from fieldstone.metadata import labels
from fieldstone.metadata.check import check as check_documents
from fieldstone.metadata.checks.shape import check_shape
from fieldstone.packs import checks, install, sample, sample_removal
from fieldstone.packs import seal as sealing
from fieldstone.packs.plan import PackPlan, choose, installed
from fieldstone.packs.read import SHIPPED, Pack, look, shipped
from fieldstone.packs.sample_removal import Reason
from fieldstone.records.principal import Principal

DATA = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
LANGUAGE = click.option("--language", default="en", show_default=True, help="en, zh-Hans or zh-Hant.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
BY = Principal.internal("command line")
WHY = {
    Reason.CHANGED: "changed since it was loaded",
    Reason.USED: "something that stays refers to it",
    Reason.SIGNS_IN: "can sign in",
}
NAMES = click.argument("names", nargs=-1, required=True, metavar="PACK...")


@click.group()
def command() -> None:
    """Check, plan and install packs. PACK is the name of a shipped pack, or the path of a folder or an .fspack archive."""


def _at_hand(given: Sequence[str]) -> tuple[list[str], dict[str, Pack]]:
    """Return the names that are meant and the packs to choose from: what is no name of a shipped pack is a path."""
    brought = [look(Path(each)) for each in given if each not in SHIPPED]
    names = [each for each in given if each in SHIPPED] + [pack.name for pack in brought]
    return names, install.at_hand(*brought)


@command.command("list")
@DATA
@AS_JSON
def list_packs(data: Path | None, as_json: bool) -> None:
    """List the shipped packs and which of them this org has."""
    with opened(data=data) as org, reading(org.engine) as transaction:
        present = {name: str(version) for name, version in installed(transaction.connection).items()}
    offered = {name: shipped(name).manifest for name in SHIPPED}
    rows = [
        {
            "name": name,
            "version": str(offered[name].version) if name in offered else None,
            "installed": present.get(name),
            "label": labels.text(offered[name].label, "en", "en", name) if name in offered else name,
        }
        for name in dict.fromkeys((*offered, *present))
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        state = f"installed {row['installed']}" if row["installed"] else "not installed"
        click.echo(f"{row['name']:<12} {row['version'] or '':<10} {state:<20} {row['label']}")


@command.command()
@LANGUAGE
@NAMES
def check(names: tuple[str, ...], language: str) -> None:
    """Say all that is wrong with packs: files, seal, manifest, documents, sample tables. Needs no org. Exit 1 if there is anything."""
    wanted, offered = _at_hand(names)
    choice = choose(["core", *wanted], offered, {})
    documents = {path: document for pack in choice.packs for path, document in pack.documents.items()}
    # Where a pack is missing nothing that refers to it can be judged: then each document by itself.
    wrong = check_shape(documents, lambda path, document: False)[1] if choice.incomplete else check_documents(documents, language=language)
    problems = [*choice.problems, *wrong]
    if not any(not problem.warning for problem in problems):
        try:
            sample.prepare(checks.snapshot_of(documents), choice.packs)
        except Refused as refused:
            problems += refused.problems
    _say(problems, language)
    if any(not problem.warning for problem in problems):
        raise click.exceptions.Exit(1)
    for pack in choice.packs:
        click.echo(f"{pack.name} {pack.manifest.version}: {len(pack.documents)} documents are right.")


@command.command()
@DATA
@LANGUAGE
@NAMES
def plan(data: Path | None, names: tuple[str, ...], language: str) -> None:
    """Show what installing packs would do to this org. Writes nothing. Exit 1 if it would be refused."""
    wanted, offered = _at_hand(names)
    with opened(data=data) as org:
        planned = install.plan(org, wanted, offered=offered, language=language)
    show(planned, language)
    if planned.refused:
        raise click.exceptions.Exit(1)


@command.command("install")
@DATA
@LANGUAGE
@click.option("--sample/--no-sample", "with_sample", default=False, show_default=True, help="Load the sample records too.")
@click.option("--yes", is_flag=True, help="Do not ask after showing the plan.")
@NAMES
def install_packs(data: Path | None, names: tuple[str, ...], language: str, with_sample: bool, yes: bool) -> None:
    """Show the plan, ask, and install: all of it or nothing."""
    wanted, offered = _at_hand(names)
    with opened(data=data) as org:
        planned = install.plan(org, wanted, offered=offered, language=language)
        show(planned, language)
        planned.require()
        if not planned.packs:
            return
        if not yes:
            click.confirm("Install?", abort=True)
        _install(org, planned, with_sample)


def _install(org: Org, planned: PackPlan, with_sample: bool) -> None:
    done = install.apply(org, planned, sample=with_sample)
    _say(done.problems, "en")
    click.echo(f"Installed {', '.join(done.packs)}; the metadata is at version {done.version}.")
    for name, count in done.records.items():
        click.echo(f"  {count} records of {name}")


def show(planned: PackPlan, language: str) -> None:
    """Print a plan: packs, problems, what it does in order, what it gives and opens, sample records."""
    for name in planned.present:
        click.echo(f"{name} is installed already.")
    for pack in planned.packs:
        why = " (required)" if pack.name in planned.pulled_in else ""
        click.echo(f"{pack.name} {pack.manifest.version}: {len(pack.documents)} documents{why}")
    _say([*planned.problems, *planned.metadata.problems], language)
    if planned.refused:
        return
    names = planned.metadata.labels
    for title, said in (
        ("What it does:", [step.said for step in planned.metadata.steps]),
        ("What it gives and opens:", [each.said for each in planned.exposure]),
    ):
        if said:
            click.echo(title)
        for each in said:
            click.echo(f"  - {word(each, language, names)}")
    if planned.samples:
        click.echo("Sample records: " + ", ".join(f"{count} {name}" for name, count in planned.samples.items()))


def _say(problems: Sequence[Problem], language: str) -> None:
    for problem in problems:
        place = "#".join(part for part in (problem.document, problem.pointer) if part)
        kind = "warning: " if problem.warning else ""
        click.echo(f"{place}{': ' if place else ''}{kind}{word(problem, language)}", err=True)


@command.command("remove-sample")
@DATA
@LANGUAGE
@click.option("--yes", is_flag=True, help="Do not ask after showing what goes.")
def remove_sample(data: Path | None, language: str, yes: bool) -> None:
    """Move the sample records that nobody has changed to the recycle bin; list the others."""
    with opened(data=data) as org:
        found = sample_removal.preview(org.records, BY)
        for name, ids in sorted(found.records.items()):
            click.echo(f"{len(ids)} records of {name} go")
        if found.people:
            click.echo(f"{len(found.people)} people of the sample become inactive")
        for each in found.kept:
            click.echo(f"stays: {each.object} {each.name} ({each.record}): {WHY[each.reason]}")
        if not found.count and not found.people:
            click.echo("Nothing is left to remove.")
            return
        if not yes:
            click.confirm("Remove?", abort=True)
        done = sample_removal.remove(org.records, org.approvals.notices, BY)
        click.echo(f"{done.count} records are in the recycle bin.")


@command.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="FOLDER...")
def seal(folders: tuple[Path, ...]) -> None:
    """Bring the documents of a pack into canonical text and write the hash of every file into its manifest."""
    for folder in folders:
        changed = sealing.seal(folder)
        click.echo(f"{folder}: {len(changed)} files written" if changed else f"{folder}: sealed as it is")


@command.command()
@LANGUAGE
@NAMES
def test(names: tuple[str, ...], language: str) -> None:
    """Run the checks of packs in a scratch org of their own. Exit 1 if one fails."""
    wanted, offered = _at_hand(names)
    results = checks.run(wanted, offered)
    failed = [result for result in results if result.problem is not None]
    for result in failed:
        assert result.problem is not None
        click.echo(f"{result.pack}/{result.path}: {word(result.problem, language)}", err=True)
    click.echo(f"{len(results) - len(failed)} checks passed, {len(failed)} failed.")
    if failed:
        raise click.exceptions.Exit(1)
