"""The server beside an earlier commit of it, and beside the bare signature.

    python -m benchmarks.serving --before 29dc3f4

Both servers run in turn, each over the model that its own commit exports, since that is what a call costs
(MovieTweetings' size, random weights, histories of 50); with `--same-model` both serve the model of this checkout, and
the ratio is that of the servers alone. The load generator is a process of its own on the same machine. Processor time
is the server's alone. `bare` is the signature of this checkout in a session without a server, a row of a batch of 1
and of 64.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measure, serving_setup
from benchmarks.measure import Side

_BEFORE = "29dc3f4"


def bare(base: Path, requests: Path) -> dict[str, float]:
    """Milliseconds of processor time a row, in batches of 1 and of 64."""
    from serving import wire
    from serving.limits import Limits
    from serving.model import LoadedModel

    (folder,) = base.iterdir()
    model = LoadedModel(folder, 1)
    served = model._served["serving_default"]
    read = [wire.PredictRequest.FromString(file.read_bytes()) for file in sorted(requests.glob("*.bin"))]
    rows = [served.reader.read(request.inputs, Limits()) for request in read]
    found = {}
    for batch in (1, 64):
        for seconds in (0.5, 4.0):  # the first to warm up
            calls, before, end = 0, time.process_time(), time.perf_counter() + seconds
            while time.perf_counter() < end:
                served.run(rows[:batch])
                calls += 1
            found[f"bare_{batch}"] = 1e3 * (time.process_time() - before) / calls / batch
    model.close()
    return found


def one_round(base: Path, root: Path, requests: Path, seconds: float, rate: float) -> dict[str, Any]:
    """One server: closed loops of 1, 4, 16 and 64 clients, and calls at a rate where one is given."""
    server = serving_setup.Server(base, root)
    try:
        server.load(requests, "--clients", "16", "--seconds", "2")
        found = {
            str(clients): server.load(requests, "--clients", str(clients), "--seconds", str(seconds))
            for clients in (1, 4, 16, 64)
        }
        rate = rate or found["64"]["a_second"] / 2
        found["half"] = {**server.load(requests, "--rate", str(rate), "--seconds", str(seconds)), "rate": rate}
    finally:
        server.stop()
    return found


def medians(rounds: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        load: {key: statistics.median(each[load][key] for each in rounds) for key in ("a_second", "cpu", "p50", "p99")}
        for load in rounds[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=_BEFORE, metavar="COMMIT")
    parser.add_argument("--same-model", action="store_true", help="both serve the model that this checkout exports")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--bare", nargs=2, type=Path, metavar=("BASE", "REQUESTS"), help="the bare signature, as JSON")
    arguments = parser.parse_args()
    if arguments.bare:
        sys.stdout.write(json.dumps(bare(*arguments.bare)) + "\n")
        return
    with tempfile.TemporaryDirectory() as scratch:
        root, base, requests = Path(scratch) / "before", Path(scratch) / "base", Path(scratch) / "requests"
        earlier = base if arguments.same_model else Path(scratch) / "earlier"
        git = ["git", "-C", str(measure.ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", "--quiet", str(root), arguments.before], check=True)
        try:
            serving_setup.export_by(measure.ROOT, base)
            if earlier != base:
                serving_setup.export_by(root, earlier)
            serving_setup.write_requests(requests, base)
            before, after, rows = [], [], []
            for number in range(arguments.rounds):
                measure.say(f"  round {number + 1}/{arguments.rounds} ...")
                before.append(one_round(earlier, root, requests, arguments.seconds, 0.0))
                # Half of what the earlier one can do, for both.
                after.append(one_round(base, measure.ROOT, requests, arguments.seconds, before[-1]["half"]["rate"]))
                rows.append(Side("bare", "benchmarks.serving", ("--bare", str(base), str(requests))).run())
        finally:
            subprocess.run([*git, "remove", "--force", str(root)], check=True)
    report(arguments, medians(before), medians(after), rows)


def report(arguments: argparse.Namespace, before: Any, after: Any, rows: list[dict[str, float]]) -> None:
    names = {"half": "half of the earlier top"}
    lines = []
    for load in before:
        old, new = before[load], after[load]
        cells = [names.get(load, f"{load} clients")]
        for key in ("a_second", "cpu", "p50", "p99"):
            cells += [f"{old[key]:.2f}", f"{new[key]:.2f}"]
        lines.append([*cells, f"{old['cpu'] / new['cpu']:.2f}"])
    header = ["load", "calls/s", "now", "CPU ms", "now", "p50 ms", "now", "p99 ms", "now", "calls a CPU s, ratio"]
    commit = arguments.before
    model = "the model of this checkout" if arguments.same_model else "the model that it exports"
    measure.say(f"\nFirst of each pair: commit {commit}, which serves {model}.\n" + measure.table(header, lines))
    found = {batch: statistics.median(row[f"bare_{batch}"] for row in rows) for batch in (1, 64)}
    measure.say(f"The bare signature: {found[1]:.3f} ms of CPU a row alone, {found[64]:.3f} ms in a batch of 64.")
    values = {"before": {"commit": commit, "model": model, **before}, "after": after, "bare": found}
    measure.say(f"Stored in {measure.store('serving', values).relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
