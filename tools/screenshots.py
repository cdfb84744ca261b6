"""Take the pictures of docs/images/: `python -m tools.screenshots`.

A new org is founded in a temporary folder with the packs' sample data, and walked through as `tests/scenarios` does. Takes about a
minute; needs Chromium, as the tests do.
"""

from __future__ import annotations

import base64
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.scenarios import test_admin_builds_site_visits as site_visits
from tests.support.browser import chromium
from tests.support.live import Living, living

IMAGES = Path(__file__).parent.parent / "docs" / "images"
MOST_BYTES = 200_000
DESK = {"viewport": {"width": 1440, "height": 900}}
OF_THE_WALK = ("object-plan", "formula", "layout", "rule", "process", "phone-rule", "approved")
Page = Any
# In the browser, which reads PNGs fast: the 256 colours that stand for most pixels, and for every pixel the nearest of them.
TO_PALETTE = """async (png) => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const apart = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  const palette = [];
  const commonest = [...counts].sort((a, b) => b[1] - a[1]);
  for (const [pixel] of commonest.slice(0, 64)) palette.push(parts(pixel)); // surfaces and texts stay exact
  for (const least of [72, 24, 8, 0]) {
    for (const [pixel] of commonest) {
      if (palette.length === 256) break;
      if (palette.every((each) => apart(each, parts(pixel)) > least)) palette.push(parts(pixel));
    }
  }
  const nearest = new Map();
  for (const pixel of counts.keys()) {
    let best = 0;
    palette.forEach((each, at) => { if (apart(each, parts(pixel)) < apart(palette[best], parts(pixel))) best = at; });
    nearest.set(pixel, best);
  }
  const indices = Uint8Array.from(pixels, (pixel) => nearest.get(pixel));
  let text = '';
  for (let at = 0; at < indices.length; at += 8192) text += String.fromCharCode(...indices.subarray(at, at + 8192));
  return { width: image.width, height: image.height, palette: palette.flat(), indices: btoa(text) };
}"""


def smaller(page: Page, png: bytes) -> bytes:
    """Return a picture with 256 colours: a third of the bytes, and no difference that the eye finds on our pages."""
    found = page.evaluate(TO_PALETTE, base64.b64encode(png).decode())
    width, height, indices = found["width"], found["height"], base64.b64decode(found["indices"])
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(found["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    written = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def take(page: Page, name: str) -> None:
    """Write one picture, once what moves has come to rest."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('x-toast').forEach((each) => each.remove())")
    page.wait_for_timeout(250)
    path = IMAGES / f"{name}.png"
    blank = page.context.browser.new_page()  # the pages' own content security policy would not let it read the picture
    path.write_bytes(smaller(blank, page.screenshot()))
    blank.close()
    size = path.stat().st_size
    print(f"{path.name}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(f"{path.name} is larger than {MOST_BYTES:,} bytes")


def of_the_walk(page: Page, name: str) -> None:
    """Take a picture of the walk, if it is one of those that are shown."""
    if name in OF_THE_WALK:
        take(page, name)


def products(site: Living, open_page: Callable[..., Page]) -> None:
    """The pages of people at work, on sample data."""
    marco = site.sign_in(open_page(**DESK), "marco")
    marco.goto(f"{site.address}/o/opportunity?view=all_open")
    take(marco, "list")
    marco.goto(f"{site.address}/o/opportunity?view=all_open&as=board")
    take(marco, "board")
    first = marco.locator(".kc a[href^='/o/opportunity/']").first.get_attribute("href")
    marco.goto(f"{site.address}{first}")
    take(marco, "record")
    marco.goto(f"{site.address}/approvals")
    take(marco, "approvals")


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, living(Path(folder) / "data") as site:

        def open_page(**options: Any) -> Page:
            page = browser.new_context(locale="en-US", **options).new_page()
            page.set_default_timeout(10_000)
            return page

        products(site, open_page)
        site_visits.build(site.sign_in(open_page(**DESK), "admin"), site, of_the_walk)
        phone = site.sign_in(open_page(**site_visits.PHONE, color_scheme="dark"), "priya")
        record = site_visits.visit(phone, site, of_the_walk)
        site_visits.approve(site.sign_in(open_page(**DESK), "marco"), site, of_the_walk)
        site_visits.shows_approved(phone, record, of_the_walk)


if __name__ == "__main__":
    main()
