"""A Spark cluster on this machine: a master, two workers, a pool of Python workers, and Beam's job server."""

import dataclasses
import json
import sys
import time
import urllib.request
from typing import Any

from tests.cluster.fetch import SPARK, java
from tests.cluster.processes import HERE, JAVA, Processes, free_port

_PATIENCE_S = 180


@dataclasses.dataclass
class Cluster(Processes):
    """The processes, with what they are reached by."""

    master: int = dataclasses.field(default_factory=free_port)
    page: int = dataclasses.field(default_factory=free_port)
    pool: int = dataclasses.field(default_factory=free_port)
    jobs_port: int = dataclasses.field(default_factory=free_port)

    def options(self) -> dict[str, str]:
        """The section `beam.options` that sends a pipeline here."""
        return {
            "job_endpoint": f"{HERE}:{self.jobs_port}",
            "environment_type": "EXTERNAL",
            "environment_config": f"{HERE}:{self.pool}",
        }

    def start(self) -> None:
        """Starts all, and waits until the workers have registered."""
        home = self.folder / "home"
        home.mkdir()
        # Workers start what does the work with the jars of Spark's own folder.
        (home / "jars").symlink_to(self.jars)
        ports = ["--port", str(self.master), "--webui-port", str(self.page)]
        self._spark("master", "org.apache.spark.deploy.master.Master", ["--host", HERE, *ports])
        own = ["--host", HERE, "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        for number in (1, 2):
            place = str(self.folder / f"work{number}")
            arguments = [f"spark://{HERE}:{self.master}", *own, "--work-dir", place]
            self._spark(f"worker{number}", "org.apache.spark.deploy.worker.Worker", arguments)
        self._start("pool", [sys.executable, "-W", "ignore", "-m", "tests.cluster.pool", HERE, str(self.pool)])
        self._spark(
            "jobserver",
            SPARK.main,
            [
                *(f"--job-host={HERE}", f"--job-port={self.jobs_port}", f"--artifact-port={free_port()}"),
                *("--expansion-port=-1", f"--spark-master-url=spark://{HERE}:{self.master}"),
                f"--artifacts-dir={self.folder / 'staged'}",
            ],
            memory="512m",
        )
        end = time.monotonic() + _PATIENCE_S
        while self._state().get("aliveworkers", 0) < 2:
            self.check()
            if time.monotonic() > end:
                msg = f"The workers have not registered within {_PATIENCE_S} s: see the logs in {self.folder}."
                raise RuntimeError(msg)
            time.sleep(1)

    def jobs(self) -> list[dict[str, Any]]:
        """What Spark says of the jobs that are over."""
        found: list[dict[str, Any]] = self._state()["completedapps"]
        return found

    def workers_of(self, identity: str) -> set[str]:
        """The workers that have worked on a job: each has a folder of it."""
        return {place.parent.name for place in self.folder.glob(f"work*/{identity}")}

    def _state(self) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{HERE}:{self.page}/json/", timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
        except OSError:
            return {}
        return found

    def _spark(self, name: str, main: str, arguments: list[str], memory: str = "256m") -> None:
        own = ["-Dspark.executor.memory=512m", f"-Dspark.driver.host={HERE}", f"-Djava.io.tmpdir={self.folder}"]
        command = [java(SPARK), *JAVA, f"-Xmx{memory}", *own, "-cp", f"{self.jars}/*", main, *arguments]
        home = str(self.folder / "home")
        self._start(name, command, SPARK_HOME=home, SPARK_LOCAL_IP=HERE, SPARK_SCALA_VERSION="2.12")
