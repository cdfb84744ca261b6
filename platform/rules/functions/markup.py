"""Texts that hold markup: line breaks, links, images.

Here: which addresses are followed, and the escaping of everything else.
Not here: showing it (whoever shows a text with `Checked.markup` sanitizes it once more).
Source: spec/expressions.md, section 7.3; spec/security.md, section 5.
"""

from __future__ import annotations

import html
import re
from decimal import Decimal

from fieldstone.rules import decimals
from fieldstone.rules.functions.entry import NUMBER, TEXT, Blank, Param, table, text_entry

# The address is http, https, mailto or tel, or relative: nothing with a colon before its first slash, "?" or "#".

ADDRESS = re.compile(r"(?:https?:|mailto:|tel:|[^:/?#\\\x00-\x20]*(?:[/?#]|$))[^\x00-\x20\x7f]*", re.IGNORECASE | re.ASCII)
SQL_ADDRESS = r"'^(https?:|mailto:|tel:|[^:/?#\\\u0001-\u0020]*([/?#]|$))[^\u0001-\u0020\u007f]*$'"


def link(url: str | None, label: str | None, target: str | None = "_blank") -> str | None:
    """Return an HTML link with everything escaped, only the label when the address is not one to follow."""
    if not url:
        return None
    shown, address = html.escape(label or url), url.replace(" ", "%20")
    if ADDRESS.fullmatch(address) is None:
        return shown
    return f'<a href="{html.escape(address)}" target="{html.escape(target or "_blank")}" rel="noopener noreferrer">{shown}</a>'


def image(url: str | None, alt: str | None, height: Decimal | None = None, width: Decimal | None = None) -> str | None:
    """Return an HTML image with everything escaped, only the alternative text when the address is not one to load."""
    if not url:
        return None
    shown, address = html.escape(alt or ""), url.replace(" ", "%20")
    if ADDRESS.fullmatch(address) is None:
        return shown or None
    size = "".join(f' {name}="{decimals.plain(value)}"' for name, value in (("height", height), ("width", width)) if value is not None)
    return f'<img src="{html.escape(address)}" alt="{shown}"{size}>'


def _escaped(t: str) -> str:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("''", "&#x27;")):
        t = f"replace({t}, '{plain}', '{entity}')"
    return t


def _address(url: str) -> str:
    return f"replace({url}, ' ', '%20')"


def _followed(url: str) -> str:
    return f'(({_address(url)}) COLLATE "C" ~* {SQL_ADDRESS})'  # letter case as in ASCII, whatever the locale of the database


def _link_sql(url: str, label: str, target: str = "'_blank'") -> str:
    shown, into = _escaped(f"COALESCE({label}, {url})"), _escaped(f"COALESCE({target}, '_blank')")
    return (
        f"(CASE WHEN {url} IS NULL THEN NULL WHEN {_followed(url)} THEN '<a href=\"' || {_escaped(_address(url))} || '\" target=\"' ||"
        f" {into} || '\" rel=\"noopener noreferrer\">' || {shown} || '</a>' ELSE {shown} END)"
    )


def _image_sql(url: str, alt: str, height: str = "NULL::numeric", width: str = "NULL::numeric") -> str:
    shown = _escaped(f"COALESCE({alt}, '')")
    sizes = "".join(
        f" || COALESCE(' {name}=\"' || trim_scale({value})::text || '\"', '')" for name, value in (("height", height), ("width", width))
    )
    return (
        f"(CASE WHEN {url} IS NULL THEN NULL WHEN {_followed(url)} THEN '<img src=\"' || {_escaped(_address(url))} || '\" alt=\"' ||"
        f" {shown} || '\"'{sizes} || '>' ELSE NULLIF({shown}, '') END)"
    )


U, LABEL, ALT = Param("url", TEXT), Param("label", TEXT), Param("alt", TEXT)
LINK_DOC = "A link to the address, shown as the label. Only http, https, mailto, tel and relative addresses become links; spaces are fine."
IMAGE_DOC = "The image at a relative address, one of our own. Pages show none from elsewhere: there the alternative text stands."
HYPERLINK = [
    text_entry(
        "HYPERLINK",
        params,
        LINK_DOC,
        blank=Blank.OWN,
        markup=True,
        grows=12,
        python=link,
        sql=_link_sql,
        examples=examples,
    )
    for params, examples in (
        (
            (U, LABEL),
            (
                ('HYPERLINK("/o/deal", "<Deals>")', '<a href="/o/deal" target="_blank" rel="noopener noreferrer">&lt;Deals&gt;</a>'),
                ('HYPERLINK("javascript:alert(1)", "Click")', "Click"),
            ),
        ),
        ((U, LABEL, Param("target", TEXT)), ()),
    )
]
IMAGE = [
    text_entry("IMAGE", params, IMAGE_DOC, blank=Blank.OWN, markup=True, grows=12, python=image, sql=_image_sql, examples=examples)
    for params, examples in (
        ((U, ALT), (('IMAGE("/logo.png", "Logo")', '<img src="/logo.png" alt="Logo">'),)),
        ((U, ALT, Param("height", NUMBER), Param("width", NUMBER)), ()),
    )
]

BR = text_entry(
    "BR", (), "A line break.", markup=True, never_blank=True, python=lambda: "\n", sql=lambda: "chr(10)", examples=(("BR()", "\n"),)
)

MARKUP = table(BR, *HYPERLINK, *IMAGE)
