"""Clients of a server, in a process of their own: closed loops, or calls at a rate whatever the server does.

    python -m benchmarks.serving_load --port 8500 --requests FOLDER --clients 64 --seconds 5

Prints one line of JSON: calls answered, refused and failed by code, wrong lists, milliseconds of the answers, and the
longest time in which no call was answered.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from serving import tensors, wire

# Scores differ in their last bits with the number of rows (docs/guides/serving.md).
_CLOSE = 1e-4


class Recorder:
    """What became of the calls."""

    def __init__(self, expected: dict[str, list[dict[str, float]]]) -> None:
        self.expected = expected
        self.codes: collections.Counter[str] = collections.Counter()
        self.wrong = 0
        self.versions: collections.Counter[str] = collections.Counter()
        self.times: list[float] = []
        self.ends: list[float] = []
        self._answers: collections.Counter[tuple[int, bytes]] = collections.Counter()

    def keep(self, place: int, content: bytes) -> None:
        """An answer to request `place`, to be checked when the load is over: that takes as long as to send a call."""
        self._answers[place, content] += 1

    def check(self) -> None:
        """Whether each list is one of the version that answered, as ranked alone, by the scores of its items."""
        for (place, content), times in self._answers.items():
            response = wire.PredictResponse.FromString(content)
            version = str(response.model_spec.version.value)
            self.versions[version] += times
            scores = self.expected[version][place]
            ids = [item_id.decode() for item_id in response.outputs["item_ids"].string_val]
            found = tensors.to_lists(response.outputs["scores"])[0]
            right = all(
                abs(scores.get(item_id, np.inf) - score) < _CLOSE for item_id, score in zip(ids, found, strict=True)
            )
            self.wrong += 0 if right else times

    def summary(self, seconds: float) -> dict[str, Any]:
        times = np.array(self.times or [0.0]) * 1e3
        gaps = np.diff(sorted(self.ends)) if len(self.ends) > 1 else np.zeros(1)
        return {
            "answered": len(self.times),
            "a_second": len(self.times) / seconds,
            "codes": dict(self.codes),
            "wrong": self.wrong,
            "versions": dict(self.versions),
            "p50": float(np.percentile(times, 50)),
            "p99": float(np.percentile(times, 99)),
            "most": float(times.max()),
            "longest_stall": float(gaps.max() * 1e3),
        }


async def _call(
    method: Any, requests: list[bytes], place: int, deadline: float, recorder: Recorder, began: float
) -> None:
    try:
        content = await method(requests[place], timeout=deadline)
    except grpc.aio.AioRpcError as error:
        recorder.codes[error.code().name] += 1
        return
    now = time.perf_counter()
    recorder.codes["OK"] += 1
    recorder.times.append(now - began)
    recorder.ends.append(now)
    if recorder.expected:
        recorder.keep(place, content)


async def closed(methods: list[Any], requests: list[bytes], arguments: argparse.Namespace, recorder: Recorder) -> None:
    """Each client asks again once it is answered."""
    end = time.perf_counter() + arguments.seconds

    async def client(number: int) -> None:
        place, unavailable = number, 0
        while (began := time.perf_counter()) < end:
            place = (place + 1) % len(requests)
            await _call(methods[number % len(methods)], requests, place, arguments.deadline, recorder, began)
            if recorder.codes["UNAVAILABLE"] > unavailable:
                # The server is gone: it is not asked ten thousand times a second.
                unavailable = recorder.codes["UNAVAILABLE"]
                await asyncio.sleep(0.1)

    await asyncio.gather(*(client(number) for number in range(arguments.clients)))


async def opened(methods: list[Any], requests: list[bytes], arguments: argparse.Namespace, recorder: Recorder) -> None:
    """So many calls a second. Each is timed from when it was due."""
    begin = time.perf_counter()
    tasks: set[Any] = set()
    for number in range(int(arguments.rate * arguments.seconds)):
        due = begin + number / arguments.rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        call = _call(
            methods[number % len(methods)], requests, number % len(requests), arguments.deadline, recorder, due
        )
        task = asyncio.create_task(call)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    folder = Path(arguments.requests)
    requests = [file.read_bytes() for file in sorted(folder.glob("*.bin"))]
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8")) if arguments.check else {}
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    channels = [
        grpc.aio.insecure_channel(f"127.0.0.1:{arguments.port}", options=options)
        for _ in range(max(1, min(arguments.clients, 8)))
    ]
    methods = [channel.unary_unary(wire.PREDICT) for channel in channels]
    recorder = Recorder(expected)
    for method in methods:
        await method(requests[0], timeout=60)
    loop = opened if arguments.rate else closed
    began = time.perf_counter()
    work = asyncio.ensure_future(loop(methods, requests, arguments, recorder))
    # Told to end early, it still says what it measured.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work
    seconds = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    recorder.check()
    return recorder.summary(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", required=True, help="folder of serialised requests, and of `expected.json`")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second, in place of closed loops")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--deadline", type=float, default=60.0)
    parser.add_argument("--check", action="store_true")
    sys.stdout.write(json.dumps(asyncio.run(run(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
