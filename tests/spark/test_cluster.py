"""The example, run by `spark-submit`: on this machine, and on a cluster whose worker is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyspark
import pytest
from pyarrow import parquet as pq
from spark_desk import PASSPHRASE, secrets_of

import piienc
from piienc.state.cells import CellCounter

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[2]
HOME = Path(pyspark.__file__).parent
SCRIPT = ROOT / "examples" / "spark" / "protect.py"
ROWS = 1_600_000
PARTS = 8


@pytest.fixture(scope="module")
def dataset(project):
    """A Parquet dataset of several files."""
    folder = project / "customers"
    folder.mkdir()
    size = ROWS // PARTS
    for part in range(PARTS):
        numbers = pa.array(range(part * size, (part + 1) * size), pa.int64())
        text = numbers.cast(pa.string())
        born = numbers.cast(pa.int32()).cast(pa.date32())
        table = pa.table({"id": numbers, "email": text, "phone": text, "born": born})
        pq.write_table(table, folder / f"part-{part}.parquet")
    return folder


def command(project: Path, source: Path, target: Path, master: str, *more: str) -> list[str]:
    """Return the command line of `spark-submit`."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(project / "cluster" / "local"),
        "spark.executor.memory": "900m",
        "spark.sql.files.maxPartitionBytes": "4m",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": (project / "cluster" / "events").as_uri(),
    }
    (project / "cluster" / "events").mkdir(parents=True, exist_ok=True)
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    where = ["--schema", "schema.toml", "--keys", "keys", "--passphrase-file", "passphrase"]
    where += ["--state", str(project / "cluster" / "state")]
    program = "org.apache.spark.deploy.SparkSubmit"
    return [
        *java(program), "--master", master, *options, str(SCRIPT), str(source), str(target),
        *where, *more,
    ]  # fmt: skip


def java(program: str) -> list[str]:
    """Return the command line of a program of Spark's."""
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (
        "java.lang", "java.lang.invoke", "java.nio", "java.util", "java.util.concurrent",
        "sun.nio.ch", "sun.util.calendar",
    )]  # fmt: skip
    return ["java", *opens, "-cp", f"{HOME}/jars/*", "-Xmx900m", program]


def environment() -> dict[str, str]:
    """Return the environment of all of Spark's processes."""
    return {
        **os.environ,
        "SPARK_HOME": str(HOME),
        "SPARK_SCALA_VERSION": "2.13",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(HOME.parent), str(ROOT / "src")]),
    }


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    direct = [int(each) for each in found.read_text().split()] if found.exists() else []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        direct += [int(each) for each in task.read_text().split() if int(each) not in direct]
    return direct


@contextmanager
def cluster(folder: Path):
    """A master and two workers on loopback; yields its address and the workers' pids."""
    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    started = []

    def start(*arguments: str, log: str) -> subprocess.Popen:
        with (folder / log).open("wb") as output:
            process = subprocess.Popen(
                [*java(arguments[0]), *arguments[1:]],
                env=environment(), stdout=output, stderr=output, cwd=folder,
            )  # fmt: skip
        started.append(process)
        return process

    deploy = "org.apache.spark.deploy"
    try:
        start(
            f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port),
            "--webui-port", str(free_port()), log="master.log",
        )  # fmt: skip
        _until(lambda: _answers(port), "the master answers")
        workers = [
            start(
                f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g",
                "--webui-port", str(free_port()), "--work-dir", str(folder / f"work-{number}"),
                address, log=f"worker-{number}.log",
            )
            for number in range(2)
        ]  # fmt: skip
        for number in range(2):
            log = folder / f"worker-{number}.log"
            _until(lambda log=log: "registered with master" in log.read_text(), "a worker is there")
        yield address, [worker.pid for worker in workers]
    finally:
        for process in reversed(started):
            below = [pid for child in children(process.pid) for pid in (*children(child), child)]
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in below:
                _end(pid)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(condition, what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def read(folder: Path) -> pa.Table:
    """Return a dataset in the order of its ids."""
    return pq.read_table(folder).sort_by("id")


def counted(state: Path) -> int:
    with CellCounter(state) as counter, counter.database() as database:
        return int(
            database.execute("SELECT coalesce(sum(cells), 0) FROM sealed_keys").fetchone()[0]
        )


def test_example_goes_there_and_back_on_one_machine(project, dataset, tmp_path):
    """And ends with the exit codes of the command line."""
    part = tmp_path / "one"
    part.mkdir()
    (part / "x.parquet").write_bytes((dataset / "part-0.parquet").read_bytes())
    for source, target, more in ((part, "there", ()), (tmp_path / "there", "back", ("--decrypt",))):
        line = command(project, source, tmp_path / target, "local[2]", *more)
        done = subprocess.run(
            line, env=environment(), cwd=project, capture_output=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert read(tmp_path / "back").equals(read(part))
    line = command(project, part, tmp_path / "x", "local[2]", "--decrypt")
    done = subprocess.run(
        line, env=environment(), cwd=project, capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 6, done.stderr.decode()[-3000:]
    assert b"protect.py: partition: column 'email', row" in done.stdout + done.stderr


def test_cluster_loses_nothing_when_an_executor_is_killed(project, dataset, tmp_path):
    """Its tasks run again elsewhere; more cells are counted, never fewer; no secret lies about."""
    folder = project / "cluster"
    folder.mkdir(exist_ok=True)
    target = folder / "target"
    before = counted(folder / "state") if (folder / "state").exists() else 0
    with cluster(folder) as (address, workers), (folder / "driver.log").open("wb") as log:
        driver = subprocess.Popen(
            command(project, dataset, target, address),
            env=environment(), cwd=project, stdout=log, stderr=log,
        )  # fmt: skip
        written = target / "_temporary"
        _until(lambda: [*written.rglob("part-*")], "a task writes", 120)
        killed = [pid for worker in workers[:1] for pid in children(worker)]
        assert killed
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert driver.wait(300) == 0, (folder / "driver.log").read_text()[-3000:]
        assert "Lost executor" in (folder / "driver.log").read_text()
    assert counted(folder / "state") - before >= 2 * ROWS
    encrypted = pq.read_table(target)
    assert encrypted.num_rows == ROWS
    back = piienc.decrypt_table(
        encrypted, schema="schema.toml", keys="keys", state=tmp_path, passphrase=PASSPHRASE,
        like=pq.read_schema(dataset / "part-0.parquet"),
    ).sort_by("id")  # fmt: skip
    assert back.equals(read(dataset).cast(back.schema))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.parts[-2].startswith("app-") or "work-" in str(path) for path in files)
    for secret in secrets_of(project):
        for path in files:
            assert secret not in path.read_bytes(), path
