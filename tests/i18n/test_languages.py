"""Which language somebody gets."""

from __future__ import annotations

import pytest

from fieldstone.i18n.languages import closest, fallbacks, negotiate


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        ("zh-Hans-TW", "zh-Hans"),
        ("zh_Hant", "zh-Hant"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("de", None),
        ("", None),
        (None, None),
    ],
)
def test_a_tag_means_one_of_our_languages_or_none(tag, language):
    assert closest(tag) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("de,en;q=0.5,zh;q=0.7", "zh-Hans"),
        ("de, fr", "en"),
        ("en;q=0, zh", "zh-Hans"),
        ("en;q=nonsense, zh-HK;q=0.1", "zh-Hant"),
        (None, "en"),
    ],
)
def test_the_browsers_wish_is_weighed(header, language):
    assert negotiate(header) == language


def test_a_text_falls_back_to_the_other_chinese_script_before_english():
    assert fallbacks("zh-TW") == ("zh-Hant", "zh-Hans", "en")
    assert fallbacks("en") == ("en",)
