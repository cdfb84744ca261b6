"""`fieldstone worker`: do the background work of an org that has a broker.

Here: the command. Not here: the work (`workflow/tasks.py`), the in-process worker of the embedded shape (`run.py`).
"""

from __future__ import annotations

from functools import partial

import click

from fieldstone.cli.opening import opened
from fieldstone.errors import Problem, Refused
from fieldstone.workflow import queue


@click.command()
def command() -> None:
    """Do the background work of an org with a broker, until told to stop."""
    with opened() as org:
        if org.settings.in_process_broker:
            raise Refused(Problem(code="no_broker"))
        queue.serve(org.celery, org=org.name, processes=org.settings.worker_threads, after_fork=partial(org.engine.dispose, close=False))
