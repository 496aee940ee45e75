"""What a server goes through in a bad week, in minutes: it prints errors, wrong lists, stalls and memory of each trial.

    python -m benchmarks.serving_trials --switches 100 --minutes 5

`switches`: so many versions taken over under eight clients. `steady`: 80 % of what is answered of calls that come
faster than they can be. `overload`: once, twice and three times what 64 clients get answered who wait for each other,
with a deadline of a second. For both, server and load have a processor each, so that neither takes the other's.
`mixed`: calls of one row beside eight clients that send 1,024 rows. `kill`: SIGKILL in mid-load, and a start on what it
left. Nothing here is a test: no test is timed.
"""

import argparse
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure, serving_setup
from benchmarks.serving_export import export
from benchmarks.serving_setup import FLOOD, Server, finished, started_load

TRIALS = ("switches", "steady", "overload", "mixed", "kill")


def _say(name: str, found: dict[str, Any], **more: Any) -> dict[str, Any]:
    measure.say(f"{name}: {found}" + "".join(f", {key.replace('_', ' ')} {value}" for key, value in more.items()))
    return {**found, **more}


def push(source: Path, base: Path, version: int) -> None:
    """As the pusher does: `saved_model.pb` last."""
    shutil.copytree(source, base / str(version), ignore=shutil.ignore_patterns("saved_model.pb"))
    shutil.copy(source / "saved_model.pb", base / str(version))


class Trials:
    """The trials over two models of the same size.

    Args:
        scratch: An empty folder.
        switches: How many versions take over.
        minutes: How long the steady load is.
        root: The checkout whose server is tried.
        rate: Calls a second of the steady load; 0 takes 80 % of the top.
        options: More options of the server.
    """

    def __init__(
        self,
        scratch: Path,
        switches: int,
        minutes: float,
        root: Path = measure.ROOT,
        rate: float = 0.0,
        options: Sequence[str] = (),
    ) -> None:
        self.rate = rate
        self.options = tuple(options)
        self.root = root
        self.switches = switches
        self.minutes = minutes
        self.scratch = scratch
        self.models = scratch / "models"
        export(self.models, {1: 1, 2: 2})
        self.requests = scratch / "requests"
        serving_setup.write_requests(self.requests, self.models, versions=switches + 1)
        self.batches = scratch / "batches"
        serving_setup.write_requests(self.batches, self.models, rows=1024, count=4)

    def base(self, name: str) -> Path:
        base = self.scratch / name
        push(self.models / "1", base, 1)
        return base

    def find_top(self, server: Server) -> float:
        """Calls a second that 64 clients get answered, server and load on a processor each."""
        server.load(self.requests, "--clients", "16", "--seconds", "2", core=1)
        return float(server.load(self.requests, "--clients", "64", "--seconds", "8", core=1)["a_second"])

    def run_switches(self) -> dict[str, Any]:
        base = self.base("switches")
        server = Server(base, self.root, "--poll-seconds", "0.2", *self.options)
        sizes = []
        try:
            with started_load(server.port, self.requests, "--clients", "8", "--seconds", "100000", "--check") as load:
                for version in range(2, self.switches + 2):
                    push(self.models / str(2 - version % 2), base, version)
                    self.wait(lambda version=version: f"Version {version} of {base} serves" in server.log())  # type: ignore[misc]
                    shutil.rmtree(base / str(version - 1))
                    sizes.append(server.mebibytes())
                load.send_signal(signal.SIGTERM)
                found = finished(load)
        finally:
            server.stop()
        fifth = sizes[min(5, len(sizes) - 1)]
        return _say("switches", found, MiB_after_5=round(fifth), MiB_at_the_end=round(sizes[-1]))

    def run_steady(self) -> dict[str, Any]:
        server = Server(self.base("steady"), self.root, *self.options, core=0)
        try:
            fast = ("--rate", str(self.find_top(server)), "--seconds", "10")
            # Such calls meet in smaller batches than those of 64 clients, each of whom waits for the others' batch.
            top = server.load(self.requests, *fast, core=1)["a_second"]
            rate = self.rate or 0.8 * top
            before = server.mebibytes()
            options = ("--rate", str(rate), "--seconds", str(60 * self.minutes), "--check")
            found = server.load(self.requests, *options, core=1)
            sizes = {"MiB_before": round(before), "MiB_after": round(server.mebibytes())}
            return _say("steady", found, top=round(top), rate=round(rate), **sizes)
        finally:
            server.stop()

    def run_overload(self) -> dict[str, Any]:
        server = Server(self.base("overload"), self.root, *self.options, core=0)
        try:
            top = self.find_top(server)
            found = {}
            for times in (1, 2, 3):
                options = ("--rate", str(times * top), "--seconds", "10", "--deadline", "1")
                found[f"{times}x"] = server.load(self.requests, *options, module=FLOOD, core=1)
            return _say("overload", found, top=round(top))
        finally:
            server.stop()

    def run_mixed(self) -> dict[str, Any]:
        server = Server(self.base("mixed"), self.root, *self.options)
        try:
            with started_load(server.port, self.batches, "--clients", "8", "--seconds", "15") as large:
                time.sleep(3)
                small = server.load(self.requests, "--clients", "1", "--seconds", "8", "--check")
                rows = finished(large)
            return _say("mixed", small, batches_a_second=round(rows["a_second"], 2), batches=rows["codes"])
        finally:
            server.stop()

    def run_kill(self) -> dict[str, Any]:
        base = self.base("kill")
        server = Server(base, self.root, *self.options)
        options = ("--clients", "16", "--seconds", "45", "--deadline", "2", "--check")
        try:
            with started_load(server.port, self.requests, *options) as load:
                time.sleep(6)
                server.process.kill()
                began = time.monotonic()
                again = Server(base, self.root, *self.options, port=server.port)
                away = time.monotonic() - began
                try:
                    found = finished(load)
                finally:
                    again.stop()
            return _say("kill", found, seconds_until_it_served_again=round(away, 1))
        finally:
            server.stop()

    @staticmethod
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 300
        while not condition():
            if time.monotonic() > deadline:
                msg = "A version did not take over within five minutes."
                raise RuntimeError(msg)
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"of {', '.join(TRIALS)}; all without one")
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="of the steady load, in place of 80 %% of the top")
    parser.add_argument("--checkout", type=Path, default=measure.ROOT, help="of an earlier commit, to try its server")
    parser.add_argument(
        "--server", type=shlex.split, default=[], metavar="OPTIONS", help='of the server: "--max-concurrent 64"'
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.trials) - set(TRIALS)):
        parser.error(f"no such trial: {', '.join(unknown)}. There are {', '.join(TRIALS)}.")
    with tempfile.TemporaryDirectory() as scratch:
        trials = Trials(
            *(Path(scratch), arguments.switches, arguments.minutes),
            *(arguments.checkout.resolve(), arguments.rate, arguments.server),
        )
        found = {name: getattr(trials, f"run_{name}")() for name in arguments.trials or TRIALS}
    measure.say(f"Stored in {measure.store('serving_trials', found).relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
