"""Read a delimited text file as a table: its encoding, its delimiter, its header, its rows.

Here: how a file is to be read (`Reading`), found from the bytes and shown for confirmation, and its rows as text.
Not here: what a cell means (`column_formats.py`), where it goes (`mapping.py`), spreadsheets.
Source: spec/data.md, section 1, "Encoding" and "Shape".
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fieldstone.errors import Problem, Refused

MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # byte-order mark → encoding
GUESSES = ("utf-8", "gb18030", "big5hkscs", "shift_jis", "euc_kr", "cp1252")  # in this order, each by strict decoding
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", *GUESSES[1:])  # that a person may choose
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 50
MOST_COLUMNS = 500
MOST_CELL = 32_767  # characters, as spreadsheets have it
DECODED_TWICE = re.compile("Ã[\u0080-\u00bf]|锟斤拷|â€[™œ\u009d]")
UTF8_PIECE = re.compile(rb"[\xc2\xc3][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")  # what Western files hardly hold by chance
COMMON_HAN = frozenset("的一是不了在人有我他这中大来上国個们为和地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用公司有限科技")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read. What a person confirmed is applied strictly afterwards: nothing is guessed row by row."""

    encoding: str
    delimiter: str = ","
    header: bool = True  # whether the first line names the columns
    columns: tuple[str, ...] = ()  # headers as written; "Column 3" where there is none
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the file: its number as a spreadsheet shows it (the header is 1), its cells, or what is wrong with it."""

    number: int
    cells: tuple[str, ...]
    problem: Problem | None = None


def load(kept: Mapping[str, Any]) -> Reading:
    """Return the reading that `dump` wrote."""
    return Reading(**{**{name: kept[name] for name in ("encoding", "delimiter", "header")}, "columns": tuple(kept["columns"])})


def dump(reading: Reading) -> dict[str, Any]:
    """Return a reading in a form that can be kept. Warnings are not: they are seen anew."""
    return {"encoding": reading.encoding, "delimiter": reading.delimiter, "header": reading.header, "columns": list(reading.columns)}


def read_as(path: Path, encoding: str, delimiter: str, *, header: bool) -> Reading:
    """Return the reading of a file as a person chose it. Raises Refused at the first byte that the encoding does not have."""
    if encoding not in ENCODINGS or delimiter not in DELIMITERS:
        raise Refused(Problem(code="file_encoding_unknown"))
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = next(csv.reader(file, delimiter=delimiter), [])
            for _ in file:  # to the end: what does not fit is said now, not in the middle of a run
                pass
    except UnicodeDecodeError as error:
        raise Refused(
            Problem(code="file_encoding", params={"encoding": encoding, "row": _row_at(path, error), "byte": error.start})
        ) from None
    columns = tuple(_column_name(index, name if header else "") for index, name in enumerate(first, 1))
    if len(columns) > MOST_COLUMNS:
        raise Refused(Problem(code="file_too_wide", params={"columns": len(columns), "limit": MOST_COLUMNS}))
    return Reading(encoding=encoding, delimiter=delimiter, header=header, columns=columns)


def _row_at(path: Path, error: UnicodeDecodeError) -> int:
    """Return the line of the byte that could not be read; the error's position counts from the start of what was decoded at once."""
    place = path.read_bytes().find(error.object[max(0, error.start - 20) : error.end + 20])
    return path.read_bytes()[: max(0, place)].count(b"\n") + 1


def find_reading(path: Path) -> Reading:
    """Return how the file at `path` is best read.

    Raises Refused when it is empty, not text, or wider than the limit; a byte that no encoding accepts is named by its offset.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    if not head.strip():
        raise Refused(Problem(code="file_empty"))
    encoding = _encoding(path, head)
    text = head.decode(encoding, errors="ignore")
    lines = text.splitlines()[:SAMPLE_ROWS]
    delimiter = _delimiter(lines)
    first = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    if len(first) > MOST_COLUMNS:
        raise Refused(Problem(code="file_too_wide", params={"columns": len(first), "limit": MOST_COLUMNS}))
    header = _is_header(first)
    columns = tuple(_column_name(index, name if header else "") for index, name in enumerate(first, 1))
    warnings = (*_mixed(path, encoding), *_suspicions(text, columns))
    return Reading(encoding=encoding, delimiter=delimiter, header=header, columns=columns, warnings=warnings)


def rows(path: Path, reading: Reading) -> Iterator[Row]:
    """Yield the rows of the file below its header, one at a time: memory does not grow with the file.

    A row with more cells than there are columns, an open quote or an over-long cell carries a problem instead of being dropped.
    Raises Refused, with the row's number, at a byte that the confirmed encoding does not have.
    """
    with path.open(encoding=reading.encoding, newline="") as file:
        yield from _rows(file, reading)


def _rows(file: IO[str], reading: Reading) -> Iterator[Row]:
    width = len(reading.columns)
    number = 0
    table = csv.reader(file, delimiter=reading.delimiter, strict=True)
    while True:
        number += 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error:
            yield Row(number=number, cells=(), problem=Problem(code="row_quotes", params={"row": number}))
            continue
        except UnicodeDecodeError as error:
            raise Refused(
                Problem(code="file_encoding", params={"encoding": reading.encoding, "row": number, "byte": error.start})
            ) from error
        if (number == 1 and reading.header) or not any(cells):
            continue
        yield _row(number, cells, width)


def _row(number: int, cells: Sequence[str], width: int) -> Row:
    if len(cells) > width and any(cells[width:]):
        problem = Problem(code="row_ragged", params={"row": number, "cells": len(cells), "columns": width})
        return Row(number=number, cells=tuple(cells), problem=problem)
    longest = max(map(len, cells))
    if longest > MOST_CELL:
        problem = Problem(code="cell_too_long", params={"row": number, "length": longest, "limit": MOST_CELL})
        return Row(number=number, cells=tuple(cells), problem=problem)
    return Row(number=number, cells=tuple(cells[:width]) + ("",) * (width - len(cells)))


def _encoding(path: Path, head: bytes) -> str:
    """Return the encoding: by mark, else the first that decodes the whole file; between the Chinese ones the likelier text wins."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if b"\x00" in head:
        zeros = [index % 2 for index, byte in enumerate(head[:1000]) if byte == 0]
        if zeros and all(zero == zeros[0] for zero in zeros):
            return "utf-16-le" if zeros[0] else "utf-16-be"
        raise Refused(Problem(code="file_not_text"))
    whole = path.read_bytes()
    fits = [encoding for encoding in GUESSES if _decodes(whole, encoding)]
    if not fits:
        raise Refused(Problem(code="file_encoding_unknown"))
    if fits[0] == "utf-8":
        return "utf-8"
    return max(fits, key=lambda encoding: (_likeliness(whole[:SAMPLE_BYTES].decode(encoding, errors="ignore")), -GUESSES.index(encoding)))


def _decodes(whole: bytes, encoding: str) -> bool:
    try:
        whole.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _likeliness(text: str) -> float:
    """Return how common the foreign characters of `text` are: a wrong reading is full of rare ones."""
    foreign = [character for character in text if ord(character) > 127]
    if not foreign:
        return 1.0
    if all(ord(character) < 0x250 for character in foreign):
        letters = sum(character.isalpha() for character in foreign)
        return 0.5 * letters / len(foreign) if len(foreign) < 0.3 * len(text) else 0.0
    return sum(character in COMMON_HAN for character in foreign) / len(foreign) + 0.1


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that cuts most lines into the same number of cells, more than one."""

    def agreement(delimiter: str) -> tuple[float, int]:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        common = max(set(widths), key=widths.count, default=1)
        return (widths.count(common) / len(widths) if common > 1 else 0.0, common)

    return max(DELIMITERS, key=agreement)


def _is_header(first: Sequence[str]) -> bool:
    """Whether the first line names columns: distinct texts, none of them a number or a date."""
    named = [cell.strip() for cell in first if cell.strip()]
    return bool(named) and len(set(named)) == len(named) and not any(re.fullmatch(r"[\d.,:/\-\s%]+", cell) for cell in named)


def _column_name(index: int, name: str) -> str:
    return name.strip() or f"Column {index}"


def _mixed(path: Path, encoding: str) -> Iterator[Problem]:
    """Yield the warning that some rows of a file read as Western text were written as UTF-8, as when files were put together."""
    if encoding != "cp1252":
        return
    rows = [number for number, line in enumerate(path.read_bytes().split(b"\n"), 1) if UTF8_PIECE.search(line)]
    if rows:
        yield Problem(code="file_mixed", params={"rows": len(rows), "row": rows[0], "encoding": encoding}, warning=True)


def _suspicions(text: str, columns: Sequence[str]) -> tuple[Problem, ...]:
    found = []
    if DECODED_TWICE.search(text):
        found.append(Problem(code="file_decoded_twice", warning=True))
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    found += [Problem(code="column_doubled", params={"column": name}, warning=True) for name in doubled]
    return tuple(found)
