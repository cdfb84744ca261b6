"""A file is read as what it is: encoding, delimiter, header and every row."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldstone.data.csv_files import Row, find_reading, rows
from fieldstone.errors import Problem, Refused


@pytest.fixture
def write(tmp_path: Path):
    def file(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return file


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        pytest.param("name,city\nAcme,Zürich\n", "utf-8", "utf-8", id="UTF-8 without a mark"),
        pytest.param("name,city\nAcme,Zürich\n", "utf-8-sig", "utf-8-sig", id="UTF-8 with a mark"),
        pytest.param("name,city\nAcme,Zürich\n", "utf-16", "utf-16", id="UTF-16 with a mark"),
        pytest.param("name,city\nAcme,Zurich\n", "utf-16-le", "utf-16-le", id="UTF-16 by its zero bytes"),
        pytest.param(
            "名称,城市\n上海科技有限公司,上海\n中国电子公司,北京\n", "gb18030", "gb18030", id="simplified Chinese of a spreadsheet"
        ),
        pytest.param("name,city\nAcme,Zürich\nBolt,Genève\n", "cp1252", "cp1252", id="a western code page"),
    ],
)
def test_the_encoding_is_found(write, text, written, read):
    assert find_reading(write(text, written)).encoding == read


@pytest.mark.parametrize(
    ("text", "delimiter", "columns"),
    [
        ("a,b,c\n1,2,3\n", ",", ("a", "b", "c")),
        ("a;b\n1,5;2\n", ";", ("a", "b")),
        ("a\tb\n1\t2\n", "\t", ("a", "b")),
        ("1,2\n3,4\n", ",", ("Column 1", "Column 2")),
    ],
)
def test_the_delimiter_and_the_header_are_found(write, text, delimiter, columns):
    reading = find_reading(write(text))
    assert (reading.delimiter, reading.columns) == (delimiter, columns)


def test_every_row_keeps_its_number_and_a_bad_one_its_reason(write):
    path = write('name,city\nAcme,"New\nYork"\n\nBolt\nCog,Oslo,extra\n')
    assert list(rows(path, find_reading(path))) == [
        Row(number=2, cells=("Acme", "New\nYork")),
        Row(number=4, cells=("Bolt", "")),
        Row(number=5, cells=("Cog", "Oslo", "extra"), problem=Problem(code="row_ragged", params={"row": 5, "cells": 3, "columns": 2})),
    ]


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "file_empty"), (b" \n\n", "file_empty"), (b"PK\x03\x04\x00\x14\x07\x00\x00\x01", "file_not_text")]
)
def test_what_is_no_table_is_refused(tmp_path, content, code):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        find_reading(path)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_a_file_of_two_encodings_is_warned_of_with_the_first_row(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_bytes("name\nJosé\n".encode("cp1252") + "Müller\nÖzil\n".encode())
    [warning] = find_reading(path).warnings[:1]
    assert (warning.code, warning.params) == ("file_mixed", {"rows": 2, "row": 3, "encoding": "cp1252"})


def test_a_western_file_is_not_warned_of(tmp_path):
    path = tmp_path / "western.csv"
    path.write_bytes("name\nJosé\n« É »\nSÃO PAULO\n„Ü“\n".encode("cp1252"))
    assert find_reading(path).warnings == ()


def test_text_decoded_twice_is_warned_of(write):
    assert [problem.code for problem in find_reading(write("name\nZÃ¼rich\n")).warnings] == ["file_decoded_twice"]
