"""`fieldstone run`: the web server and, in the embedded shape, the worker and the scheduler in the same process.

Here: the first start of an embedded org, starting and stopping in order. Not here: the parts themselves (`app.py`, `web/app.py`).
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click
from waitress import create_server

from fieldstone.app import Background, Org, found, is_founded, open_org
from fieldstone.auth.first_logins import FirstLogin
from fieldstone.cli.opening import begin_log, settings
from fieldstone.db.migrations import migrate
from fieldstone.errors import Problem, Refused
from fieldstone.wsgi import application

log = logging.getLogger(__name__)


@click.command()
@click.option("--port", type=int, help="Port on which to listen.")
@click.option("--host", help="Address on which to listen.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of the embedded org.")
@click.option("--name", default="Fieldstone", show_default=True, help="Name of the org, at the first start.")
@click.option("--sample/--no-sample", default=True, show_default=True, help="Load sample data at the first start.")
def command(port: int | None, host: str | None, data: Path | None, name: str, sample: bool) -> None:
    """Start the web server. In a new data folder an org is made first, with the shipped packs."""
    chosen = settings(port=port, host=host, data=data)
    begin_log(chosen)
    _require_free_address(chosen.host, chosen.port)
    org = open_org(chosen)
    try:
        _make_ready(org, name=name, sample=sample)
        _serve(org)
    finally:
        org.close()


def _require_free_address(host: str, port: int) -> None:
    """Refuse an address on which one cannot listen before anything is made: the first logins are shown once.

    Raises Refused, with what the system says and the way out.
    """
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except OSError as failure:
        params = {"address": f"{host}:{port}", "reason": failure.strerror or str(failure)}
        raise Refused(Problem(code="address_taken", params=params)) from failure


def _make_ready(org: Org, *, name: str, sample: bool) -> None:
    """Bring the tables to this version; found the org of a new data folder and print its first logins."""
    if is_founded(org):
        migrate(org.engine)
        return
    if not org.settings.embedded:
        raise Refused(Problem(code="no_org", params={"command": "fieldstone org create"}))
    click.echo("Making a new org. This takes a few seconds.")
    print_logins(found(org, name=name, sample=sample))


def print_logins(logins: tuple[FirstLogin, ...]) -> None:
    """Print who may sign in. The passwords are random and shown this once."""
    width = max((len(login.name) for login in logins), default=0)
    click.echo("\nSign in as one of these people. The passwords are shown this once:")
    for login in logins:
        click.echo(f"  {login.name:<{width}}  {login.username:<12}  {login.password}  {login.does}")
    click.echo()


def _proxies(count: int) -> dict[str, Any]:
    """The server's options for `count` proxies before it: their word is taken, and nobody else's."""
    if not count:
        return {"clear_untrusted_proxy_headers": True}
    headers = {"x-forwarded-for", "x-forwarded-proto"}
    return {"trusted_proxy": "*", "trusted_proxy_count": count, "trusted_proxy_headers": headers, "clear_untrusted_proxy_headers": True}


def _serve(org: Org) -> None:
    """Serve until told to stop; then let what is being done be finished."""
    chosen = org.settings
    server = create_server(
        application(org),
        host=chosen.host,
        port=chosen.port,
        threads=chosen.web_threads,
        ident=None,
        **_proxies(chosen.proxies),
        max_request_body_size=210 * 2**20,
    )
    background = Background(org) if chosen.in_process_broker else None
    if background is not None:
        background.start()
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.set()
            sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    click.echo(f"Fieldstone answers at {chosen.address}  (stop with Ctrl C)")
    try:
        server.run()
    except SystemExit:
        pass
    finally:
        server.close()
        if background is not None:
            background.stop()
