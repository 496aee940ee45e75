"""What the measurements of serving share: requests with their lists, servers and their loads."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.serving_export import HISTORY, ITEMS

LOAD, FLOOD = "benchmarks.serving_load", "benchmarks.serving_flood"
K, REQUESTS = 10, 64
_ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": "-1"}


def write_requests(folder: Path, base: Path, rows: int = 1, count: int = REQUESTS, versions: int = 0) -> None:
    """Serialised requests and, for calls of one row, the scores of the best items of each by every version.

    Args:
        folder: Must not exist.
        base: Holds the models 1 and 2, or 1 alone.
        rows: Of each request.
        count: How many requests.
        versions: The highest number that a version will have; odd ones are copies of 1, even ones of 2.
    """
    from serving import contract, wire
    from serving.model import LoadedModel

    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    histories = random.integers(1_000_000, 1_000_000 + ITEMS, (count, rows, HISTORY)).astype(str).tolist()
    made = [contract.build_request(each, None, K, wire.model_spec("pnfrec")) for each in histories]
    for place, request in enumerate(made):
        (folder / f"{place:03d}.bin").write_bytes(request.SerializeToString())
    expected: dict[str, Any] = {}
    for version in sorted(base.iterdir()) if rows == 1 else []:
        model = LoadedModel(version, int(version.name))
        expected[version.name] = []
        for request in made:
            request.inputs["k"].int_val[:] = [3 * K]
            outputs = model.predict("", request.inputs)
            ids = [item_id.decode() for item_id in outputs["item_ids"].string_val]
            expected[version.name].append(dict(zip(ids, outputs["scores"].float_val, strict=True)))
        model.close()
    for number in range(1, versions + 1):
        expected[str(number)] = expected[str(2 - number % 2)]
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def export_by(root: Path, folder: Path) -> None:
    """Writes the model that a checkout exports, as version 1: its exports are what it serves."""
    script = measure.ROOT / "benchmarks" / "serving_export.py"
    environment = {**_ENVIRONMENT, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, str(script), str(folder)], cwd=root, env=environment, check=True)


class Server:
    """A server in a process of its own, of this checkout or of another.

    Args:
        base: What it serves.
        root: The checkout.
        options: More of its command line.
        port: 0 picks a free one.
        core: The only processor that it may use; None for any.
    """

    def __init__(
        self, base: Path, root: Path = measure.ROOT, *options: str, port: int = 0, core: int | None = None
    ) -> None:
        command = [sys.executable, "-m", "serving.server", "--base", str(base), "--port", str(port), *options]
        environment = {**_ENVIRONMENT, "PYTHONPATH": str(root)}
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")  # noqa: SIM115 - as long as the server
        with pinned(core):
            self.process = subprocess.Popen(command, cwd=root, env=environment, stdout=self._log, stderr=self._log)
        self.port = self._wait()

    def _wait(self) -> int:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log().splitlines():
                if " serves pnfrec" in line:
                    return int(line.split(" serves ")[0].rpartition(":")[2])
            time.sleep(0.2)
        msg = f"The server did not come up:\n{self.log()[-3000:]}"
        raise RuntimeError(msg)

    def log(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self) -> float:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def load(self, requests: Path, *options: str, module: str = LOAD, core: int | None = None) -> dict[str, Any]:
        """What a load generator measured, with the server's milliseconds of processor time a call answered.

        Args:
            requests: Folder of serialised requests.
            options: Of the load generator.
            module: The load generator.
            core: The only processor that it may use; None for any.
        """
        before = self.cpu_seconds()
        with pinned(core), started_load(self.port, requests, *options, module=module) as process:
            found = finished(process)
        return {**found, "cpu": 1e3 * (self.cpu_seconds() - before) / max(found["answered"], 1)}

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._log.close()


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started meanwhile may use this processor alone, where Linux lets it be told."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def started_load(port: int, requests: Path, *options: str, module: str = LOAD) -> Iterator["subprocess.Popen[str]"]:
    """A load generator that runs."""
    command = [
        sys.executable,
        "-m",
        module,
        "--port",
        str(port),
        "--requests",
        str(requests),
        *options,
    ]
    process = subprocess.Popen(command, cwd=measure.ROOT, env=_ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()


def finished(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a load generator measured, once it is done."""
    output, _ = process.communicate(timeout=1800)
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found
