"""What commands share: opening the org of the settings, and its log.

Here: `opened`, `existing`. Not here: the commands.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fieldstone.app import Org, is_founded, open_org
from fieldstone.errors import Problem, Refused
from fieldstone.settings import Settings


def settings(**given: Any) -> Settings:
    """Return the settings of the environment; options of the command that were given come first."""
    return Settings.from_environment(**given)


def begin_log(chosen: Settings) -> None:
    """Write the log as the settings say."""
    if chosen.log_format == "json":
        import structlog

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, chosen.log_level.upper())))
        formatter: logging.Formatter = structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        )
    else:
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=chosen.log_level.upper(), handlers=[handler], force=True)
    for noisy in ("alembic", "celery", "waitress"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def existing(chosen: Settings) -> Org:
    """Open what the settings name. Raises Refused where the embedded shape has no folder yet: a mistyped one is not made."""
    if chosen.embedded and not chosen.data.is_dir():
        raise Refused(Problem(code="no_org", params={"command": "fieldstone run"}))
    return open_org(chosen)


@contextmanager
def opened(*, data: Path | None = None) -> Iterator[Org]:
    """Open the org of the settings for one command. Raises Refused, with the command that helps, when there is none yet."""
    chosen = settings(data=data)
    begin_log(chosen)
    org = existing(chosen)
    try:
        if not is_founded(org):
            raise Refused(Problem(code="no_org", params={"command": "fieldstone run"}))
        yield org
    finally:
        org.close()
