"""A third party's fuzzer reads the document and finds no answer that the document does not promise.

Bounded: some examples for each operation, on SQLite. Its one setting: what the document marks `x-beyond-schema` may be refused although
its schema accepts it. FIELDSTONE_FUZZ_EXAMPLES asks for more.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fieldstone.auth import tokens
from fieldstone.db.transaction import write
from tests.api.conftest import EVERYTHING
from tests.support import pages

EXAMPLES = int(os.environ.get("FIELDSTONE_FUZZ_EXAMPLES", "4"))
CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "401", "403", "404", "409", "412", "422"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("username", "scopes"),
    [("admin", EVERYTHING), ("rep", EVERYTHING), ("admin", ("records:read",))],
    ids=["admin", "limited user", "read-only token"],
)
def test_the_fuzzer_finds_no_failure(prepared, tmp_path, username, scopes):
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    with pages.served(prepared("pages", pages.prepare), api_rate=0) as site:
        user = site.user(username)
        with write(site.org.engine) as tx:
            _, key = tokens.create(tx, user, name="fuzzer", scopes=scopes, by=user)
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
        options = ["--header", f"Authorization: Bearer {key}", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"]
        options += [
            "--phases",
            "examples,coverage,fuzzing,stateful",
            "--workers",
            "1",
            "--request-timeout",
            "20",
            "--generation-database",
            "none",
        ]
        address = f"{site.address}/api/v1/openapi.json?objects=deal"
        done = subprocess.run([*command, address, *options], cwd=tmp_path, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
