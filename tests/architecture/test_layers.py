"""The arrows between the layers: each is imported alone, in a fresh interpreter, and must not bring a lower one along.

base (errors, limits, settings, outbound, db) ← rules ← metadata ← records ← notify ← workflow ← packs, reports, data ← api, web, cli
beside: i18n (knows nothing but errors: what a person types is read by language from metadata on), auth (imports records; imported by the
surfaces alone).
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PLATFORM = Path(__file__).parents[2] / "platform"
BASE = frozenset({"errors", "limits", "settings", "outbound", "db"})

# layer → the layers it may import
MAY_IMPORT = {
    "errors": frozenset(),
    "limits": frozenset({"errors"}),
    "settings": frozenset({"errors", "limits"}),
    "outbound": frozenset({"errors", "limits", "settings"}),
    "db": frozenset({"errors", "limits", "settings"}),
    "i18n": BASE,
    "rules": BASE,
    "metadata": BASE | {"rules", "i18n"},
    "records": BASE | {"rules", "metadata", "i18n"},
    "notify": BASE | {"rules", "metadata", "records", "i18n"},
    "auth": BASE | {"rules", "metadata", "records", "i18n"},
    "workflow": BASE | {"rules", "metadata", "records", "notify", "i18n"},
    "packs": BASE | {"rules", "metadata", "records", "notify", "workflow", "shipped", "i18n"},
    "reports": BASE | {"rules", "metadata", "records", "notify", "workflow", "i18n"},
    "data": BASE | {"rules", "metadata", "records", "notify", "workflow", "i18n"},
}
SURFACES = ("api", "web", "cli")
BELOW_SURFACES = frozenset(MAY_IMPORT) | {"shipped", "app"}
MAY_IMPORT |= dict.fromkeys(SURFACES, BELOW_SURFACES)
# app.py puts everything together and is started by the command line.
MAY_IMPORT["app"] = frozenset(MAY_IMPORT) | {"shipped"}
MAY_IMPORT["wsgi"] = BELOW_SURFACES | {"api", "web"}  # hangs the two surfaces together
MAY_IMPORT["cli"] |= {"api", "web", "wsgi"}  # `fieldstone run` starts them

LAYERS = sorted(path.stem for path in PLATFORM.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def modules(layer: str) -> list[str]:
    folder = PLATFORM / layer
    if not folder.is_dir():
        return [f"fieldstone.{layer}"]
    names = [path.relative_to(PLATFORM).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    # Alembic runs these itself.
    return ["fieldstone." + ".".join(parts).removesuffix(".__init__") for parts in names if parts[-1] != "env" and "versions" not in parts]


def test_every_folder_of_the_platform_is_a_layer():
    assert set(LAYERS) <= set(MAY_IMPORT)


def test_the_platform_folder_never_becomes_a_module():
    assert not (PLATFORM / "__init__.py").exists(), "it would hide Python's own module platform from whoever stands in the repository"


# Each layer is imported by a copy of an interpreter that knows nothing of ours. What others wrote is there already: it would be loaded
# as often as there are layers.
IMPORTING = """
import importlib, json, os, sys
import alembic.command, celery, flask_babel, jsonschema, phonenumbers, psycopg, sqlalchemy.orm, xlsxwriter
assert not [name for name in sys.modules if name.startswith("fieldstone.")]
brought = {}
for layer, names in json.loads(sys.argv[1]).items():
    hear, tell = os.pipe()
    if os.fork() == 0:
        for name in names:
            importlib.import_module(name)
        os.write(tell, json.dumps(sorted({name.split(".")[1] for name in sys.modules if name.startswith("fieldstone.")})).encode())
        os._exit(0)
    os.close(tell)
    brought[layer] = json.loads(os.fdopen(hear).read() or "null")
    os.wait()
print(json.dumps(brought))
"""


@pytest.fixture(scope="module")
def importing(repository) -> tuple[dict[str, list[str] | None], str]:
    """The layers that come along when a layer is imported alone, None where that failed; and what was said of it."""
    wanted = json.dumps({layer: modules(layer) for layer in LAYERS})
    done = subprocess.run([sys.executable, "-c", IMPORTING, wanted], capture_output=True, text=True, cwd=repository, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer not in ("app", "wsgi")])
def test_a_layer_imported_alone_brings_no_lower_one_along(layer, importing):
    brought, said = importing
    assert brought[layer] is not None, said
    assert set(brought[layer]) - {layer} <= MAY_IMPORT[layer]


@pytest.mark.parametrize("layer", LAYERS)
def test_no_import_anywhere_in_a_layer_points_down(layer):
    """Also those inside functions, which an import of the module does not run."""
    folder = PLATFORM / layer
    found = []
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            for name in imported(node):
                parts = name.split(".")
                if parts[0] == "fieldstone" and len(parts) > 1 and parts[1] != layer and parts[1] not in MAY_IMPORT[layer]:
                    found.append(f"{path.relative_to(PLATFORM)}:{node.lineno} imports {name}")
    assert found == []


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module="fieldstone", names=names, level=0):
            return [f"fieldstone.{alias.name}" for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
    return []


@pytest.mark.parametrize("path", sorted(PLATFORM.rglob("*.py")), ids=lambda path: str(path.relative_to(PLATFORM)))
def test_a_module_says_what_lives_in_it(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "no docstring"


def test_the_standard_library_keeps_its_platform_module(repository):
    program = "import platform; print(platform.python_implementation())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.strip() == "CPython"
