"""The gettext catalogues of pages and surfaces: extracted, completed, compiled.

    python tools/catalogues.py              extract anew, keep the translations, compile; print what is missing as JSON
    python tools/catalogues.py FILE.json    the same, after taking translations from {"message": ["zh-Hans", "zh-Hant"], …}

A message with a plural form has the key "singular|plural". Chinese has one form.
Here: the tool. Not here: texts that code names by key (`platform/i18n/sentences`, `problems`), labels of metadata.
"""

from __future__ import annotations

import fcntl
import io
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from fieldstone.rules import FUNCTIONS

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "platform" / "i18n" / "locale"
LANGUAGES = ("zh_Hans", "zh_Hant")
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # the compiled file changes with its texts alone
METHODS = [("web/**.html", "jinja2"), ("web/**.py", "python"), ("cli/**.py", "python"), ("api/**.py", "python")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "_n": (1, 2), "lazy_gettext": None, "_l": None}
OPTIONS = {"web/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}


def extracted() -> Catalog:
    """Return every message in the sources, each with the files it stands in."""
    catalogue = Catalog(project="Fieldstone", copyright_holder="The Fieldstone authors", charset="utf-8")
    found = extract_from_dir(ROOT / "platform", method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS)
    for file, _line, message, comments, context in found:
        catalogue.add(message, None, [(f"platform/{file}", None)], auto_comments=comments, context=context)
    for entry in (each for entries in FUNCTIONS.values() for each in entries):
        catalogue.add(entry.doc, None, [("platform/rules/functions", None)])  # shown by the expression editor
    return catalogue


def stored(language: str) -> Catalog:
    """Return the catalogue of a language as it is committed."""
    file = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def key(message_id: str | tuple[str, ...]) -> str:
    """Return what names a message in the JSON of translations."""
    return message_id if isinstance(message_id, str) else "|".join(message_id)


def missing(catalogue: Catalog) -> list[str]:
    """Return the messages without a translation."""
    return [
        key(each.id) for each in catalogue if each.id and not (each.string if isinstance(each.string, str) else all(each.string or ("",)))
    ]


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as gettext reads it."""
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def update(given: dict[str, list[str]]) -> dict[str, list[str]]:
    """Write both catalogues anew, with the translations in `given`; return what is still missing, by language."""
    template, lacking = extracted(), {}
    for place, language in enumerate(LANGUAGES):
        folder = LOCALE / language / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        catalogue = stored(language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        for message in catalogue:
            texts = given.get(key(message.id)) if message.id else None
            if texts:
                message.string = texts[place] if isinstance(message.id, str) else (texts[place],)
                message.flags.discard("fuzzy")
        catalogue.fuzzy, catalogue.project, catalogue.version = False, "Fieldstone", "1"
        catalogue.header_comment = f"# Texts of Fieldstone's pages, {language.replace('_', '-')}."
        written = io.BytesIO()
        write_po(written, catalogue, width=140, omit_header=False, sort_output=True, no_location=True)
        (folder / "messages.po").write_bytes(_without_dates(written.getvalue()))
        (folder / "messages.mo").write_bytes(compiled(stored(language)))
        lacking[language] = missing(catalogue)
    return lacking


def _without_dates(text: bytes) -> bytes:
    """Leave out what changes with every run."""
    noise = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Last-Translator', b'"Language-Team', b'"Generated-By', b'"Report-Msgid')
    return b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(noise))


def main() -> None:
    """Run the tool; two runs at once wait for each other."""
    with open(Path(tempfile.gettempdir()) / "fieldstone-catalogues.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        given = {}
        for name in sys.argv[1:]:
            given |= json.loads(Path(name).read_text(encoding="utf-8"))
        lacking = update(given)
    print(json.dumps(sorted({text for texts in lacking.values() for text in texts}), ensure_ascii=False, indent=0))
    sys.exit(1 if any(lacking.values()) else 0)


if __name__ == "__main__":
    main()
