"""Every text of the pages is there in both Chinese scripts, and what is installed is what was translated."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "tools" / "catalogues.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def extracted(tool):
    return tool.extracted()


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_no_text_of_a_page_is_missing(tool, extracted, language):
    stored = tool.stored(language)
    texts = {tool.key(each.id): each for each in stored if each.id}
    lacking = [tool.key(each.id) for each in extracted if each.id and tool.key(each.id) not in texts]
    assert sorted([*lacking, *tool.missing(stored)]) == []


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_translations_keep_the_holes(tool, language):
    wrong = []
    for message in tool.stored(language):
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            source = message.id[-1] if isinstance(message.id, tuple) else message.id
            if message.id and text and sorted(re.findall(r"%\(\w+\)[sd]", text)) != sorted(re.findall(r"%\(\w+\)[sd]", source)):
                wrong.append(tool.key(message.id))
    assert wrong == []


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_the_compiled_catalogue_is_the_translated_one(tool, language):
    compiled = (tool.LOCALE / language / "LC_MESSAGES" / "messages.mo").read_bytes()
    assert compiled == tool.compiled(tool.stored(language))
