"""The rows of an import that failed, as a file to correct and send again.

Here: that file: the columns, encoding and delimiter of the one that came, and for each row why. Not here: the outcomes (`jobs.py`).
Columns of the mapping find their place in it as before; those that begin with `_` are mapped nowhere. Source: spec/api.md, section 7.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from fieldstone.data import csv_files, jobs
from fieldstone.data.imports import Import
from fieldstone.db.transaction import read
from fieldstone.errors import Problem
from fieldstone.records.save import Records

ADDED = ("_row", "_outcome", "_id", "_code", "_field", "_message")


def lines(records: Records, what: Import, words: Callable[[Problem], str]) -> Iterator[bytes]:
    """Yield the bytes of the error file; `words` says a problem in the reader's language. A failed row has a line, however many reasons."""
    with read(records.engine) as tx:
        failed = {each.row: each for each in jobs.row_outcomes(tx.connection, what.job, outcome="failed")}
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=what.reading.delimiter)
    writer.writerow((*what.reading.columns, *ADDED))
    for row in csv_files.rows(what.path, what.reading):
        outcome = failed.get(row.number)
        if outcome is None:
            continue
        problems = [jobs.of_json(found) for found in outcome.problems or ()]
        writer.writerow((*row.cells, *_added(row.number, outcome.outcome, outcome.record, problems, words)))
        if text.tell() > 64 * 1024:
            yield _taken(text, what.reading.encoding)
    yield _taken(text, what.reading.encoding)


def _added(number: int, outcome: str, record: str | None, problems: list[Problem], words: Callable[[Problem], str]) -> tuple[str, ...]:
    return (
        str(number),
        outcome,
        record or "",
        " ".join(problem.code for problem in problems),
        " ".join(problem.field or "" for problem in problems).strip(),
        " ".join(words(problem) for problem in problems),
    )


def _taken(text: io.StringIO, encoding: str) -> bytes:
    """Empty the buffer. A message may have characters that the file's encoding lacks: they become question marks, the cells do not."""
    found = text.getvalue()
    text.seek(0)
    text.truncate()
    return found.encode("utf-8" if encoding == "utf-8-sig" else encoding, errors="replace")
