"""`fieldstone rules`: test expressions against files of cases.

Here: the command, the databases it runs on, what it prints. Not here: the format and the running (`rules/cases.py`, `rules/case_runs.py`).
Source: spec/expressions.md, section 11.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import click
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from fieldstone import limits
from fieldstone.cli.main import said
from fieldstone.db.engine import create_engine
from fieldstone.errors import Problem, Refused
from fieldstone.i18n.texts import word
from fieldstone.rules import register_functions
from fieldstone.rules.case_runs import UNNAMED, RowResult, run
from fieldstone.rules.cases import ENGINES, POSTGRESQL, PYTHON, SQLITE, Case, read

NO_SERVER = 2  # exit status


@click.group()
def command() -> None:
    """Test expressions."""


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE...")
@click.option("--engine", type=click.Choice([*ENGINES, "all"]), help="Where to run. [default: wherever there is something to run on]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each row and engine.")
@click.option(
    "--postgresql",
    "url",
    envvar="FIELDSTONE_TEST_POSTGRESQL",
    metavar="URL",
    help="The server for the engine postgresql, in a schema that is thrown away. [default: FIELDSTONE_TEST_POSTGRESQL]",
)
def test(files: tuple[Path, ...], engine: str | None, as_json: bool, url: str | None) -> None:
    """Run files of cases (JSON Lines): expressions, rows of values, and what they should give.

    Prints each row that fails and a count for each engine. Lines and rows that are wrong are told, and the others run. Exit 1 if a row
    fails or is wrong, 2 if there is no PostgreSQL to run on.
    """
    engines = _engines(engine, url)
    cases: list[Case] = []
    failed = False
    for file in files:
        found, problems = _read(file)
        cases += found
        failed = failed or not all(problem.warning for problem in problems)
        if problems:
            click.echo(said(Refused(problems)), err=True)
    for name in engines:
        counts = Counter[str]()
        with _connection(name, url) as connection:
            for result in run(cases, connection):
                counts["fail" if not result.ok else "left out" if result.left_out else "hold"] += 1
                if as_json:
                    click.echo(_object(result))
                elif not (as_json or result.ok):
                    click.echo(_line(result))
        failed = failed or bool(counts["fail"])
        if not as_json:
            click.echo(_count(name, counts))
    raise click.exceptions.Exit(1 if failed else 0)


def _engines(chosen: str | None, url: str | None) -> Sequence[str]:
    engines = [chosen] if chosen in ENGINES else [PYTHON, SQLITE, *([POSTGRESQL] if chosen == "all" or url else [])]
    if POSTGRESQL in engines and not url:
        _stop(Problem(code="no_postgresql"))
    return [name for name in engines if name is not None]


def _stop(problem: Problem) -> None:
    click.echo(word(problem, "en"), err=True)
    raise click.exceptions.Exit(NO_SERVER)


def _read(file: Path) -> tuple[list[Case], list[Problem]]:
    if file.stat().st_size > limits.CASE_FILE_BYTES:
        raise Refused(Problem(code="case_file_too_large", params={"limit": limits.CASE_FILE_BYTES}, document=str(file), pointer=""))
    return read(file.read_bytes(), path=str(file))


# --- databases -------------------------------------------------------------------------------------------------------


@contextmanager
def _connection(engine: str, url: str | None) -> Iterator[Connection | None]:
    """Yield a connection to an empty database, or an empty schema, of which nothing is left afterwards; None for Python."""
    if engine == PYTHON:
        yield None
    elif engine == SQLITE:
        with tempfile.TemporaryDirectory(prefix="fieldstone-cases-") as folder:
            made = create_engine(URL.create("sqlite", database=f"{folder}/cases.sqlite"), on_connect=(register_functions,))
            try:
                with made.connect() as connection:
                    yield connection
            finally:
                made.dispose()
    else:
        with ExitStack() as opened:
            try:
                connection = opened.enter_context(_schema(str(url)))
            except (SQLAlchemyError, ValueError) as failure:
                reason = str(getattr(failure, "orig", failure)).splitlines()
                _stop(Problem(code="postgresql_unreachable", params={"reason": reason[0] if reason else type(failure).__name__}))
            else:
                yield connection


@contextmanager
def _schema(url: str) -> Iterator[Connection]:
    made = create_engine(url)
    try:
        with made.connect() as connection:  # closing it rolls everything back, the schema too
            name = f"fieldstone_cases_{uuid4().hex}"
            connection.execute(text(f"CREATE SCHEMA {name}"))
            connection.execute(text(f"SET LOCAL search_path TO {name}"))
            connection.execute(text(f"SET LOCAL statement_timeout TO '{limits.CASE_SECONDS}s'"))
            yield connection
    finally:
        made.dispose()


# --- what is printed -------------------------------------------------------------------------------------------------


def _object(result: RowResult) -> str:
    return json.dumps(
        {
            "name": result.name,
            "row": result.row,
            "engine": result.engine,
            "ok": result.ok,
            "got": result.got,
            "error": result.error,
            "problem": result.problem,
            "expected": result.expected,
        },
        ensure_ascii=False,
    )


def _line(result: RowResult) -> str:
    if result.why is not None:
        span = result.why.span
        place = f" at line {span.line}, column {span.column}" if span is not None else ""
        got = f"the problem {result.problem}{place} ({word(result.why, 'en')})"
    elif result.error is not None:
        got = "an error" if result.error == UNNAMED else f"the error {result.error}" + (f" ({result.got})" if result.got else "")
    else:
        got = json.dumps(result.got, ensure_ascii=False)
    return f"{result.name}, row {result.row}, {result.engine}: got {got}, expected {json.dumps(result.expected, ensure_ascii=False)}"


def _count(engine: str, counts: Counter[str]) -> str:
    left_out = f", {counts['left out']} have no SQL form" if counts["left out"] else ""
    return f"{engine}: {counts['hold']} rows hold, {counts['fail']} fail{left_out}."
