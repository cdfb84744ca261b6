"""Small packs from outside, in a few lines, and orgs to install them in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from fieldstone import app
from fieldstone.db.migrations import migrate
from fieldstone.db.transaction import write
from fieldstone.metadata import store
from fieldstone.packs import install
from fieldstone.packs.manifest import FILE, sealed
from fieldstone.packs.read import SHIPPED
from fieldstone.settings import Settings

MANIFEST: dict[str, Any] = {
    "format": 1,
    "type": "pack",
    "name": "rental",
    "namespace": "rent",
    "version": "1.0.0",
    "label": "Rental",
    "publisher": "acme",
    "license": "Apache-2.0",
    "platform": "*",
    "languages": ["en"],
}
BIKE: dict[str, Any] = {
    "kind": "object",
    "api_name": "rent__bike",
    "label": "Bike",
    "plural": "Bikes",
    "name_field": "name",
    "fields": {"name": {"type": "text", "label": "Name", "required": True}, "gears": {"type": "number", "label": "Gears", "scale": 0}},
}
BIKES = {"objects/rent__bike.json": BIKE}


def files(documents: Mapping[str, Any] = BIKES, *, seal: bool = False, **manifest: Any) -> dict[str, bytes]:
    """Return the files of a pack with these documents (or raw texts), its manifest changed by `manifest`; None takes a key away."""
    found = {path: content if isinstance(content, bytes) else json.dumps(content).encode() for path, content in documents.items()}
    stated = {key: value for key, value in {**MANIFEST, **manifest}.items() if value is not None}
    found[FILE] = json.dumps(sealed(stated, found) if seal else stated).encode()
    return found


def org_on(engine: Engine, *, language: str = "en") -> app.Org:
    """Return an org without any definition on a fresh database."""
    migrate(engine)
    with write(engine) as transaction:
        store.found_org(transaction.connection, name="Test", language=language, zone="Europe/Berlin", now=transaction.now)
    return opened(engine)


def furnish(engine: Engine) -> None:
    """Make an org with the shipped packs and their sample records."""
    install.install(org_on(engine), SHIPPED)


def opened(engine: Engine) -> app.Org:
    """Return the org in a database that has one."""
    return app.assembled(Settings.from_environment({}, secret_key="s" * 40), engine)
