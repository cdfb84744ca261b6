"""`fieldstone user`: add users, give them another password, list them. For whoever has the machine: no right is asked.

Here: the commands. Not here: what they do (`auth/users.py`).
"""

from __future__ import annotations

from pathlib import Path

import click

from fieldstone.auth import users
from fieldstone.cli.opening import opened
from fieldstone.errors import NotVisible
from fieldstone.records.principal import Principal
from fieldstone.records.query import Query

OPERATOR = Principal.internal("command line")
DATA = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")


@click.group()
def command() -> None:
    """Add users, give them passwords, list them."""


@command.command()
@DATA
@click.argument("username")
@click.option("--name", required=True, help="Name as people read it.")
@click.option("--email", help="Mail address; it can be used to sign in too.")
@click.option("--profile", required=True, help="API name of the profile.")
@click.option("--role", help="API name of the role.")
@click.option("--permission-set", "permission_sets", multiple=True, help="API name of a permission set; may be repeated.")
@click.option("--language", default=None, help="en, zh-Hans or zh-Hant.")
def add(
    data: Path | None,
    username: str,
    name: str,
    email: str | None,
    profile: str,
    role: str | None,
    permission_sets: tuple[str, ...],
    language: str | None,
) -> None:
    """Add an active user and print a password for the first login."""
    values = {"username": username, "name": name, "email": email, "profile": profile, "role": role, "language": language, "active": True}
    with opened(data=data) as org:
        _, password = users.create_user(
            org.records, OPERATOR, {key: value for key, value in values.items() if value is not None}, permission_sets=permission_sets
        )
    click.echo(f"{username}  {password}")


@command.command()
@DATA
@click.argument("username")
def password(data: Path | None, username: str) -> None:
    """Give a user another random password, print it, and end their sessions."""
    with opened(data=data) as org:
        with org.records.reading(OPERATOR) as gate:
            query = Query(object="user", select=("username",), filter={"field": "username", "op": "eq", "value": username})
            found = gate.read(query).records
        if not found:
            raise NotVisible(username)
        chosen = users.reset_password(org.records, OPERATOR, found[0]["id"])
    click.echo(f"{username}  {chosen}")


@command.command("list")
@DATA
def list_users(data: Path | None) -> None:
    """List the users: login name, name, profile, role, whether active."""
    select = ("username", "name", "profile", "role", "active")
    with opened(data=data) as org, org.records.reading(OPERATOR) as gate:
        cursor = None
        while True:
            page = gate.read(Query(object="user", select=select, limit=200, cursor=cursor))
            for record in page.records:
                click.echo("\t".join("" if record[name] is None else str(record[name]) for name in select))
            if page.next is None:
                return
            cursor = page.next
