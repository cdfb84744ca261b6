"""What people install: the wheel holds every package, template, grammar, schema, pack and asset of the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCES = {"platform": "fieldstone", "packs": "fieldstone/shipped"}
LEFT_OUT = {"__pycache__", ".DS_Store"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, repository) -> Path:
    """The wheel as a release builds it, from a copy of what git knows, in a folder where nothing was built before."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked(repository):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((repository / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(built.glob("*.whl"))


def tracked(repository: Path) -> list[str]:
    """Return the files that a release is made of: those git tracks, and new ones it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, cwd=repository, check=True).stdout.splitlines()
    wanted = ("platform/", "packs/", "pyproject.toml", "setup.py", "README.md", "LICENSE")
    return [name for name in listed if name.startswith(wanted) and (repository / name).is_file()]


def test_everything_in_platform_and_packs_is_in_the_wheel(wheel, repository):
    expected = set()
    for name in tracked(repository):
        folder, _, rest = name.partition("/")
        if rest and not LEFT_OUT & set(Path(rest).parts):
            expected.add(f"{SOURCES[folder]}/{rest}")
    with zipfile.ZipFile(wheel) as archive:
        assert sorted(expected - set(archive.namelist())) == []


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert [name for name in names if not name.startswith("fieldstone/")] == []
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_the_wheel_works_where_there_is_no_repository(wheel, tmp_path):
    program = (
        "import sys, importlib.resources as resources; sys.path.insert(0, sys.argv[1])\n"
        "sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder)]\n"
        "import fieldstone.db.engine, fieldstone.settings, fieldstone.shipped\n"
        "print(fieldstone.db.engine.__file__, *sorted(item.name for item in resources.files('fieldstone.shipped').iterdir()))"
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
