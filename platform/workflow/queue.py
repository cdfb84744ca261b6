"""Celery: carries outbox ids to workers, and runs the workers inside this process when there is no broker.

Here: the Celery app and its settings, sending a hint, the in-process worker.
Not here: the truth about what is to be done (`outbox.py`): a message lost, doubled or late changes nothing but the time of it.

A message is JSON and holds one outbox id, nothing else. Workers acknowledge late, reject on loss, take one message at a time, keep
no results. Source: spec/workflow.md, section 9; spec/security.md, section 13.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from celery import Celery
from celery.signals import worker_process_init
from celery.worker import WorkController

log = logging.getLogger(__name__)

MEMORY = "memory://localhost"
QUEUES = ("interactive", "default", "bulk")
TASK = "fieldstone.work"
POLLING_SECONDS = 0.01  # of the in-process broker: half of it, on average, is added to the start of a job
HARD_LIMIT_SECONDS = 3600  # of one task in a worker process; every longer job works in chunks and queues itself again
VISIBILITY_SECONDS = 2 * HARD_LIMIT_SECONDS  # the broker gives a message to another worker after this
BROKER_PAUSE_SECONDS = 5.0  # after a failed hint none is tried for so long: a broker that is down must not slow saves


def celery_app(broker_url: str, perform: Callable[[str], object], *, org: str) -> Celery:
    """Return the Celery app of one org: its task calls `perform(outbox_id)`.

    `org` keeps the queues of several orgs on one broker apart. `perform` never raises for failed work.
    """
    in_process = broker_url.startswith("memory:")
    app = Celery(f"fieldstone_{org}", broker=MEMORY if in_process else broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        result_backend=None,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=queue_name(org, "default"),
        task_create_missing_queues=True,
        task_time_limit=HARD_LIMIT_SECONDS,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        broker_transport_options=(
            {"polling_interval": POLLING_SECONDS}
            if in_process
            else {"visibility_timeout": VISIBILITY_SECONDS, "socket_connect_timeout": 2, "socket_timeout": 10}
        ),
    )

    # Not shared: a shared task would enter the app of every other org in this process too.
    @app.task(name=TASK, shared=False, lazy=False)
    def work(outbox_id: str) -> None:
        perform(outbox_id)

    app.finalize()
    return app


def queue_name(org: str, queue: str) -> str:
    """Return the broker's name of the org's queue `queue`."""
    return f"fieldstone.{org}.{queue}"


class Queue:
    """Wakes workers by sending them outbox ids; a lost hint is found by the sweeper."""

    def __init__(self, app: Celery, *, org: str) -> None:
        self.app = app
        self._org = org
        self._silent_until = 0.0

    def hint(self, outbox_id: str, queue: str) -> bool:
        """Send `outbox_id` to the workers of `queue` and say whether the broker took it; never raises, hardly waits."""
        if time.monotonic() < self._silent_until:
            return False
        try:
            self.app.send_task(TASK, args=(outbox_id,), queue=queue_name(self._org, queue), retry=False, ignore_result=True)
        except Exception as failure:  # noqa: BLE001 - whatever the broker's client raises: the sweeper takes over
            self._silent_until = time.monotonic() + BROKER_PAUSE_SECONDS
            log.warning("the broker takes no messages (%s); the sweeper will offer the work", type(failure).__name__)
            return False
        return True


def serve(app: Celery, *, org: str, processes: int, after_fork: Callable[[], object], queues: tuple[str, ...] = QUEUES) -> None:
    """Be a worker of its own (`fieldstone worker`) until told to stop by SIGTERM.

    `after_fork` is called in each of the worker's processes before its first task: connections are not shared across a fork.
    """

    def begin(**_: object) -> None:
        after_fork()

    worker_process_init.connect(begin, weak=False)
    app.set_current()
    worker = app.Worker(
        quiet=True,
        pool_cls="prefork",
        concurrency=processes,
        queues=[queue_name(org, queue) for queue in queues],
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()


class InProcessWorker:
    """Celery workers in threads of this process, for an org without a broker: real workers, not eager calls.

    One serves what people wait for, one the bulk: a large import never stands before an approval.
    """

    def __init__(self, perform: Callable[[str], object], *, org: str) -> None:
        self._perform = perform
        self._org = org
        self._threads: list[threading.Thread] = []
        self._controllers: list[WorkController] = []

    def start(self) -> None:
        """Start the threads and return when they take messages."""
        ready = []
        for queues in (("interactive", "default"), ("bulk",)):
            here = threading.Event()
            app = celery_app(MEMORY, self._perform, org=self._org)  # its own: a worker's choice of queues is kept in the app
            controller = app.WorkController(
                pool_cls="solo",
                concurrency=1,
                queues=[queue_name(self._org, queue) for queue in queues],
                hostname=f"{queues[0]}@in-process",
                ready_callback=lambda consumer, here=here: here.set(),
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            )
            thread = threading.Thread(target=_work, args=(controller,), name=f"worker-{queues[0]}", daemon=True)
            self._controllers.append(controller)
            self._threads.append(thread)
            ready.append(here)
            thread.start()
        for here in ready:
            here.wait(timeout=10)

    def stop(self, timeout: float = 10.0) -> None:
        """Let each thread end the work it is at, then stop it. Rows not begun stay in the outbox."""
        for controller in self._controllers:
            controller.stop()
        for thread in self._threads:
            thread.join(timeout)
        self._controllers.clear()
        self._threads.clear()


def _work(controller: WorkController) -> None:
    controller.app.set_current()  # of this thread: the code that runs a task asks for it
    try:
        controller.start()
    except Exception:
        log.exception("the in-process worker ended")
