"""`fieldstone scheduler`: offer due work and plan periodic work. Several may run; one leads.

Here: the command. Not here: what is offered and planned (`workflow/sweeper.py`).
"""

from __future__ import annotations

import signal

import click

from fieldstone.cli.opening import opened
from fieldstone.errors import Problem, Refused


@click.command()
def command() -> None:
    """Offer due work and plan periodic work of an org with a broker, until told to stop."""
    with opened() as org:
        if org.settings.in_process_broker:
            raise Refused(Problem(code="no_broker"))
        scheduler = org.scheduler()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: scheduler.stop())
        scheduler.run()
