"""What templates, style sheet and scripts of the web surface must never contain: the content security policy, made checkable."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "platform" / "web"
TEMPLATES = sorted([*(WEB / "templates").rglob("*.html"), *(WEB / "fields").rglob("*.html")])
SCRIPTS = sorted((WEB / "static" / "js").glob("*.js"))
STYLES = WEB / "static" / "app.css"
ICONS = frozenset(json.loads((WEB / "static" / "vendor" / "icons.json").read_text(encoding="utf-8")))

FORBIDDEN = {
    "an inline style": re.compile(r"\sstyle\s*="),
    "an event handler": re.compile(r"\s(?:on[a-z]+|hx-on[\w:-]*|data-hx-on[\w:-]*)\s*=", re.IGNORECASE),
    "hx-live": re.compile(r"\bhx-live\b"),
    "a js: value": re.compile(r"""["'=]\s*(?:js|javascript):""", re.IGNORECASE),
    "a trigger filter": re.compile(r"""hx-trigger[\w:]*\s*=\s*["'][^"']*\["""),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "markup called safe": re.compile(r"\|\s*safe\b|\bMarkup\("),
    "another site's file": re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//"""),
}
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
ATTRIBUTE_NAME = re.compile(r"""["'](style|on[a-z]+|hx-on[\w:-]*)["']\s*:""")


def _name(path: Path) -> str:
    return str(path.relative_to(WEB))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _without_comments(text: str) -> str:
    """Blank out comments, keeping the lines where they are."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


@pytest.mark.parametrize("template", TEMPLATES, ids=_name)
def test_a_template_holds_nothing_the_policy_refuses(template: Path) -> None:
    text = _without_comments(template.read_text(encoding="utf-8"))
    found = [f"line {_line(text, hit.start())}: {what}" for what, pattern in FORBIDDEN.items() for hit in pattern.finditer(text)]
    found += [f"line {_line(text, hit.start())}: the attribute {hit[1]} through attrs" for hit in ATTRIBUTE_NAME.finditer(text)]
    assert found == []


@pytest.mark.parametrize("template", TEMPLATES, ids=_name)
def test_every_icon_a_template_names_is_in_the_sprite(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    named = re.findall(r"""\b(?:icon|tile|iconbtn|empty)\(\s*["']([a-z0-9-]+)["']""", text)
    named += re.findall(r"""\b(?:icon_name\s*=\s*|["']icon["']:\s*)["']([a-z0-9-]+)["']""", text)
    assert sorted(set(named) - ICONS) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=_name)
def test_a_script_makes_no_code_from_text(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"\beval\(|new Function\b|setAttribute\(\s*[\"'](?:style|on\w+)[\"']", text) == []
    named = re.findall(r"""\bicon\(\s*["']([a-z0-9-]+)["']""", text)
    assert sorted(set(named) - ICONS) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=_name)
def test_every_text_a_script_says_is_in_the_page(script: Path) -> None:
    base = (WEB / "templates" / "base.html").read_text(encoding="utf-8")
    given = set(re.findall(r"""["'](\w+)["']: _\(""", base))
    assert sorted(set(re.findall(r"""\bt\(\s*["'](\w+)["']\s*\)""", script.read_text(encoding="utf-8"))) - given) == []


def test_the_style_sheet_loads_only_files_of_ours() -> None:
    text = STYLES.read_text(encoding="utf-8")
    assert [url for url in re.findall(r"url\(([^)]*)\)", text) if not (STYLES.parent / url.strip("\"'")).is_file()] == []
    assert "@import" not in text


def test_the_twelve_hues_exist() -> None:
    text = STYLES.read_text(encoding="utf-8")
    assert [n for n in range(1, 13) if f".h{n} {{" not in text] == []


def test_the_lock_of_the_pinned_assets_names_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in lock
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads(lock)["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_shipped_assets_carry_their_licenses() -> None:
    licenses = (WEB / "static" / "vendor" / "LICENSES.txt").read_text(encoding="utf-8")
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    shipped = ["htmx.org", "sortablejs", "lucide-static", "@fontsource-variable/inter", "@codemirror/view", "@tiptap/core"]
    assert [name for name in shipped if f"{name} {locked[f'node_modules/{name}']['version']} (" not in licenses] == []
