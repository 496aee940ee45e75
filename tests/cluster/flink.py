"""A Flink cluster on this machine: a JobManager, two TaskManagers with a worker pool each, and Beam's job server."""

import dataclasses
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.cluster.fetch import FLINK, java, write_server_jar
from tests.cluster.processes import HERE, JAVA, Processes, free_port

# What workers are asked of: a name that each TaskManager resolves to its own pool, as a pod does with localhost.
_POOL = "worker-pool"
_PATIENCE_S = 180
_SETTINGS = {
    "jobmanager.rpc.address": HERE,
    "jobmanager.bind-host": HERE,
    "jobmanager.memory.heap.size": "256m",
    "rest.address": HERE,
    "rest.bind-address": HERE,
    "taskmanager.host": HERE,
    "taskmanager.bind-host": HERE,
    # Two, so that one that is left alone takes the work of both.
    "taskmanager.numberOfTaskSlots": 2,
    "cluster.evenly-spread-out-slots": "true",
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.framework.heap.size": "64m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.heap.size": "384m",
    "taskmanager.memory.task.off-heap.size": "128m",
    # A batch of Beam needs far more buffers than its data would, since all steps of a job have theirs at once: the
    # default of 512 for each exchange that is sorted (16 MiB) is more than 256 MiB for StatisticsGen.
    "taskmanager.memory.segment-size": "8kb",
    "taskmanager.network.sort-shuffle.min-buffers": 32,
    "taskmanager.memory.network.min": "384m",
    "taskmanager.memory.network.max": "384m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
    # Beam's classes are in the class path of the cluster, and stay loaded from step to step: else Beam forgets its
    # workers with them, and each step of a job starts new ones.
    "classloader.resolve-order": "parent-first",
    # Without it a job fails with the first TaskManager that does.
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": 10,
    "restart-strategy.fixed-delay.delay": "1 s",
    "heartbeat.interval": 2000,
    "heartbeat.timeout": 10000,
}


@dataclasses.dataclass
class Cluster(Processes):
    """The processes, with what they are reached by."""

    rest: int = dataclasses.field(default_factory=free_port)
    pool: int = dataclasses.field(default_factory=free_port)
    jobs_port: int = dataclasses.field(default_factory=free_port)

    @property
    def server_jar(self) -> Path:
        """What `java -jar` starts the job server by."""
        return self.folder / "job-server.jar"

    def options(self, server: bool = True) -> dict[str, str | int]:
        """The section `beam.options` that sends a pipeline here.

        Args:
            server: Whether by the job server that runs; else Beam starts one of its own for each pipeline.
        """
        own = {"flink_job_server_jar": str(self.server_jar), "job_server_java_launcher": java(FLINK)}
        return {
            "flink_master": f"{HERE}:{self.rest}",
            **({"job_endpoint": f"{HERE}:{self.jobs_port}"} if server else own),
            "environment_type": "EXTERNAL",
            "environment_config": f"{_POOL}:{self.pool}",
            # By default Beam lets its workers go after each step of a job, and starts new ones for the next.
            "environment_cache_millis": 600_000,
            "parallelism": 2,
        }

    def start(self) -> None:
        """Starts all, and waits until the TaskManagers have registered."""
        write_server_jar(self.server_jar, self.jars, FLINK)
        settings = {**_SETTINGS, "jobmanager.rpc.port": free_port(), "rest.port": self.rest}
        text = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (self.folder / "flink-conf.yaml").write_text(text, encoding="utf-8")
        main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self._java("jobmanager", ["-Xmx320m"], main, [])
        for number in (1, 2):
            self.start_task_manager(number)
        end = time.monotonic() + _PATIENCE_S
        while self._task_managers() < 2:
            self.check()
            if time.monotonic() > end:
                msg = f"The TaskManagers have not registered within {_PATIENCE_S} s: see the logs in {self.folder}."
                raise RuntimeError(msg)
            time.sleep(1)
        ports = [f"--job-port={self.jobs_port}", f"--artifact-port={free_port()}", "--expansion-port=0"]
        places = [
            f"--job-host={HERE}",
            f"--flink-master={HERE}:{self.rest}",
            f"--artifacts-dir={self.folder / 'staged'}",
        ]
        self._start("jobserver", [java(FLINK), *JAVA, "-Xmx256m", "-jar", str(self.server_jar), *places, *ports])

    def start_task_manager(self, number: int) -> None:
        """A TaskManager and its pool of workers."""
        address = f"127.0.1.{number}"
        hosts = self.folder / f"hosts{number}"
        lines = [f"{HERE} localhost {socket.gethostname()}", f"{address} {_POOL}"]
        hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._start(
            f"pool{number}", [sys.executable, "-W", "ignore", "-m", "tests.cluster.pool", address, str(self.pool)]
        )
        options = ["-Xmx448m", "-XX:MaxDirectMemorySize=640m", f"-Djdk.net.hosts.file={hosts}"]
        named = ["-D", f"taskmanager.resource-id=taskmanager{number}"]
        self._java(f"taskmanager{number}", options, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", named)

    def kill_task_manager(self, number: int) -> None:
        """Ends a TaskManager and its pool as a machine that is gone does."""
        for name in (f"taskmanager{number}", f"pool{number}"):
            process = self.processes.pop(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def jobs(self) -> list[dict[str, Any]]:
        """What Flink says of its jobs, the newest last."""
        found: list[dict[str, Any]] = self._ask("jobs/overview")["jobs"]
        return sorted(found, key=lambda job: int(job["start-time"]))

    def job(self, identity: str) -> dict[str, Any]:
        """What Flink says of a job and its vertices."""
        found: dict[str, Any] = self._ask(f"jobs/{identity}")
        return found

    def task_hosts(self, identity: str) -> set[tuple[str, str]]:
        """Pairs of a TaskManager and a vertex that it worked on."""
        found: set[tuple[str, str]] = set()
        for vertex in self.job(identity)["vertices"]:
            answer = self._ask(f"jobs/{identity}/vertices/{vertex['id']}/taskmanagers")
            found |= {(each["taskmanager-id"], vertex["name"]) for each in answer["taskmanagers"]}
        return found

    def failures(self, identity: str) -> list[str]:
        """Why a job was begun anew, the latest first."""
        return [
            entry["stacktrace"] for entry in self._ask(f"jobs/{identity}/exceptions")["exceptionHistory"]["entries"]
        ]

    def _task_managers(self) -> int:
        try:
            return int(self._ask("overview")["taskmanagers"])
        except OSError:
            return 0

    def _ask(self, path: str) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HERE}:{self.rest}/{path}", timeout=30) as answer:
            return json.load(answer)

    def _java(self, name: str, options: list[str], main: str, arguments: list[str]) -> None:
        command = [java(FLINK), *JAVA, *options, f"-Djava.io.tmpdir={self.folder}", "-cp", f"{self.jars}/*", main]
        self._start(name, [*command, "--configDir", str(self.folder), *arguments])
