"""One side of `benchmarks/spans.py`: FeedbackGen's Beam step on days of feedback, and which step takes how long."""

import argparse
import functools
import hashlib
import json
import logging
import resource
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.feedback.beam import facts, steps
from components.feedback.config import FeedbackConfig
from components.feedback.reading import keep
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.run import generate

# Steps by what they do.
_STEPS = {
    "read": ["Read"],
    "order": ["Build"],
    "filter and split": ["Times", "Train", "Keys", "Below"],
    "examples": ["Write"],
}


def time_steps(spent: dict[str, float]) -> None:
    """Has the steps add their processor time to `spent`, in seconds."""
    for part, names in _STEPS.items():
        for name in names:
            step = getattr(steps, name)
            step.process = _timed_generator(step.process, part, spent)
    facts.Finish.__call__ = _timed(facts.Finish.__call__, "finish", spent)  # type: ignore[method-assign]
    keep.with_kept = _timed(keep.with_kept, "look at contents", spent)
    vars(steps)["gzip_tfrecords"] = _timed(vars(steps)["gzip_tfrecords"], "of examples: encode and compress", spent)


def _timed(work: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(work)
    def timed(*arguments: Any, **more: Any) -> Any:
        begin = time.process_time()
        try:
            return work(*arguments, **more)
        finally:
            spent[part] += time.process_time() - begin

    return timed


def _timed_generator(work: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(work)
    def timed(*arguments: Any, **more: Any) -> Iterator[Any]:
        outputs = iter(work(*arguments, **more))
        while True:
            begin = time.process_time()
            try:
                output = next(outputs)
            except StopIteration:
                return
            finally:
                spent[part] += time.process_time() - begin
            yield output

    return timed


def digest(output: Path) -> str:
    """SHA-256 of names and contents of all files."""
    found = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(output)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files")
    parser.add_argument("output", type=Path)
    parser.add_argument("--kept", default="")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    spent: dict[str, float] = defaultdict(float)
    time_steps(spent)
    config = FeedbackConfig(files=[arguments.files], positive=4.0, keep_read=KeepReadConfig(folder=arguments.kept))
    begin, begin_cpu = time.perf_counter(), time.process_time()
    generate(config, arguments.output)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    parts = dict(spent)
    parts["Beam and the rest"] = cpu - sum(value for name, value in parts.items() if not name.startswith("of "))
    result = {
        "seconds": seconds,
        "cpu": cpu,
        "parts": parts,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "digest": digest(arguments.output),
    }
    shutil.rmtree(arguments.output)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
