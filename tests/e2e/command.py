"""`pnfrec run` as tests call it, and what is read off its output."""

import dataclasses
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
NODES = [
    *("FeedbackGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "AnomalyGate"),
    *("SequenceTrainer", "LastBlessedModel", "Evaluator", "GateReporter", "EverythingGen", "Refit", "Pusher"),
]


@dataclasses.dataclass(frozen=True)
class Command:
    """The command of the project.

    Args:
        program: The words that start it.
    """

    program: list[str]

    def words(self, config: Path, *overrides: str, query: bool = False) -> list[str]:
        """The command line of a run."""
        settings = [word for override in overrides for word in ("--set", override)]
        return [*self.program, "run", "--config", str(config), *settings, *(["--query"] if query else [])]

    def run(self, config: Path, *overrides: str, query: bool = False) -> "subprocess.CompletedProcess[str]":
        """Runs the pipeline, and waits for it."""
        words = self.words(config, *overrides, query=query)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=800, cwd="/")


# As a user calls it.
INSTALLED = Command([str(BIN / "pnfrec")])


def states(output: str) -> dict[str, str]:
    """Node to "cached" or "" from the progress lines."""
    found = {}
    for line in output.splitlines():
        words = line.split()
        if words and words[0] in NODES and "s" in words:
            found[words[0]] = words[3] if len(words) > 3 else ""
    return found


def versions(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in (folder / "out" / "serving").glob("*/saved_model.pb"))
