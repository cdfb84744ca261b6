"""What the code imports is what pyproject.toml declares: nothing merely happens to be installed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def plain(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower().replace("_", "-").replace(".", "-")


DECLARED = {plain(requirement) for requirement in PROJECT["dependencies"]}
OPTIONAL = {plain(requirement) for extra in ("postgres", "redis") for requirement in PROJECT["optional-dependencies"][extra]}


def imported_packages() -> dict[str, str]:
    """Return the distributions that platform/ imports, each with one file that does."""
    distributions = packages_distributions()
    found = {}
    for path in sorted((ROOT / "platform").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top != "fieldstone" and top not in sys.stdlib_module_names:
                    for distribution in distributions.get(top, [f"nobody's module {top}"]):
                        found[plain(distribution) if top in distributions else distribution] = str(path.relative_to(ROOT))
    return found


def test_what_is_imported_is_declared():
    found = imported_packages()
    assert len(found) > 20
    for distribution, file in found.items():
        assert distribution in DECLARED | OPTIONAL, f"{file} imports {distribution}: add it to pyproject.toml, then `make lock`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_everything_by_hash_and_names_no_place(lock):
    text = (ROOT / lock).read_text()
    pinned = {plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}
    assert pinned >= DECLARED | OPTIONAL
    assert text.count("==") == len(re.findall(r"^[A-Za-z0-9._-]+==[^ ]+(?: ;.*)? \\\n    --hash=sha256:", text, re.MULTILINE))
    assert "://" not in text
    assert "--find-links" not in text


def test_the_lock_holds_what_only_the_transport_to_redis_imports():
    """A development machine has it anyway, for other reasons; a server has what the lock says."""
    needed = {plain(each) for each in requires("kombu") if each.endswith('extra == "redis"')}
    pinned = {plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)}
    assert needed
    assert needed <= pinned
