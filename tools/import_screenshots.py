"""Take the pictures of docs/images/import-*.png: `python -m tools.import_screenshots`, as `tools/screenshots.py` takes the others.

A made-up file of deals goes into a new org with sample data, stage by stage.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.browser import chromium
from tests.support.live import living
from tools.screenshots import Page, take

TALL = {"viewport": {"width": 1440, "height": 1000}}
CUSTOMERS = ("Alder Bay Logistics", "Northfield Dairy", "Hartwell-Instruments", "Alder Bay Logistcs")
STAGES = ("Qualify", "Propose", "Negotiatn")


def deals(rows: int = 400) -> str:
    """Return the text of a file with near misses of two names and of a stage."""
    lines = [
        f"K-{number:04d},{CUSTOMERS[number % 4 if number % 3 == 0 else number % 2]},{STAGES[number % 3]},"
        f"{(number * 37 % 90 + 10) * 1000},{number % 12 + 1}/{number * 5 % 12 + 1}/2099\n"
        for number in range(rows)
    ]
    return "Deal,Customer,Stage,Value,Closing date\n" + "".join(lines)


def walk(page: Page, address: str, file: Path) -> None:
    """Import the file as a person would, with a picture of each stage."""
    page.goto(f"{address}/imports/new?object=opportunity")
    page.set_input_files("#f-file", str(file))
    page.click("text=Next: reading")
    take(page, "import-reading")
    page.select_option('[name="d.4"]', "M/D/Y")
    page.click("text=Next: fields")
    take(page, "import-fields")
    page.click("text=Next: check")
    page.wait_for_selector("text=What the import would do", timeout=60_000)
    take(page, "import-check")
    while (near := page.locator("button:has-text('→')")).count():
        said = near.first.inner_text()
        near.first.click()
        page.wait_for_selector(f"button:has-text('{said}')", state="detached", timeout=60_000)
        page.wait_for_selector("text=What the import would do", timeout=60_000)
    page.click("button:has-text('Import ')")
    page.wait_for_selector("text=File and database compared", timeout=60_000)
    take(page, "import-report")


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, living(Path(folder) / "data") as site:
        file = Path(folder) / "old_crm_deals.csv"
        file.write_text(deals(), encoding="utf-8")
        page = browser.new_context(locale="en-US", **TALL).new_page()
        page.set_default_timeout(10_000)
        walk(site.sign_in(page, "admin"), site.address, file)


if __name__ == "__main__":
    main()
