"""What the style sheet promises: text that can be read on every surface, in both themes."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "platform" / "web" / "static" / "app.css").read_text(encoding="utf-8")
SURFACES = ("--bg-app", "--bg", "--bg-raised", "--bg-subtle", "--bg-sunken")
HUE = 264.0  # of the greys, and the brand of an org that chose none
THEMES = {"light": 0, "dark": 1}


def _luminance(lightness: float, chroma: float, hue: float) -> float:
    """Return the relative luminance of an OKLCH colour (the matrices of CSS Color 4, clipped to sRGB)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return sum(weight * min(1.0, max(0.0, part)) for weight, part in ((0.2126, red), (0.7152, green), (0.0722, blue)))


def _colour(token: str, theme: str) -> float:
    """Return the luminance of a token in a theme."""
    found = re.search(
        rf"{token}: light-dark\((#fff|oklch\([^;]*?\)), (#fff|oklch\([^;]*?\))\);",
        CSS.replace("var(--n)", "264").replace("var(--accent-h)", "264"),
    )
    assert found is not None, token
    text = found[1 + THEMES[theme]]
    if text == "#fff":
        return 1.0
    lightness, chroma, hue = (float(part) for part in text.removeprefix("oklch(").removesuffix(")").split())
    return _luminance(lightness, chroma, hue)


def _contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    ("token", "least"),
    [
        ("--fg", 7.0),
        ("--fg-2", 4.5),
        ("--fg-3", 4.5),
        ("--accent", 4.5),
        ("--ok", 4.5),
        ("--warn", 4.5),
        ("--bad", 4.5),
        ("--line-ctl", 3.0),
    ],
)
def test_text_and_borders_of_controls_can_be_seen(theme: str, surface: str, token: str, least: float) -> None:
    assert _contrast(_colour(token, theme), _colour(surface, theme)) >= least


def test_a_component_takes_its_colours_from_tokens_or_hues() -> None:
    components = re.sub(r"light-dark\((?:[^()]|\([^()]*\))*\)|/\*.*?\*/", "", CSS.split("@layer base {", 1)[1], flags=re.DOTALL)
    hexes = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", components))
    assert hexes <= {"#fff"}  # white on a solid accent, and paper
