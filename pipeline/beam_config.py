"""The settings of Beam: on which engine it runs, with which of its options."""

import dataclasses
import difflib
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Literal

from pnfrec_core.settings.fields import CHOICES

Option = bool | int | float | str | list[str]

DIRECT: Final = "DirectRunner"
DATAFLOW: Final = "DataflowRunner"
RUNNERS: Final = {
    DIRECT: "this machine, which needs nothing else",
    "PortableRunner": "the job service at `job_endpoint`",
    "FlinkRunner": "the Flink cluster at `flink_master`, by a job server that Beam starts (Java)",
    "SparkRunner": "the Spark cluster at `spark_master_url`, by a job server that Beam starts (Java)",
    DATAFLOW: "Google Cloud",
}
_REFUSED: Final = {
    "DaskRunner": (
        "it never calls `finish_bundle`, so that rows are lost without an error (seen with Beam 2.61 and 2.77), and "
        "with 2.77 every output of a step gets all rows"
    ),
    "PrismRunner": "nothing of this project has been run on it",
    "InteractiveRunner": "it is for notebooks",
}
# What has a key of its own.
_OWN_KEYS: Final = {
    "runner": "beam.runner",
    "direct_running_mode": "beam.mode",
    "direct_num_workers": "beam.workers",
}
# Where an engine is told how many workers there are.
_PARALLELISM: Final = {
    "FlinkRunner": "`beam.options: {parallelism: N}`",
    "SparkRunner": "the settings of the Spark cluster",
    DATAFLOW: "`beam.options: {max_num_workers: N}`",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class BeamConfig:
    """Where and how Beam runs: on this machine, or on a cluster that is there.

    Attributes:
        runner: The engine: `docs/guides/beam.md` tells what each needs, and which have been tried.
        workers: The number of workers of DirectRunner. An engine has an option of its own for that.
        mode: Of DirectRunner. "in_memory", which null means, and "multi_threading" run in one process, which is best up
            to millions of rows; "multi_processing" is for tens of millions of rows on many cores.
        options: Options of Beam and of the engine, as Beam names them, such as
            `{flink_master: "localhost:8081", parallelism: 4}`. true gives the option without a value, false leaves it
            out, and a list gives it once for each text.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    runner: str = dataclasses.field(default=DIRECT, metadata={CHOICES: RUNNERS})
    workers: int = 1
    mode: Literal["in_memory", "multi_threading", "multi_processing"] | None = None
    options: dict[str, Option] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if problems := [*self._check_runner(), *self._check_options()]:
            raise ValueError(" ".join(problems))

    def _check_runner(self) -> Iterator[str]:
        if self.workers < 1:
            yield f"`beam.workers` must be at least 1. Received: {self.workers}."
        yield from problem_of_runner(self.runner, "beam.runner")
        if self.runner in RUNNERS and self.runner != DIRECT:
            if self.mode is not None:
                yield (
                    f"`beam.mode: {self.mode}` is a way of DirectRunner to work, and `beam.runner` is {self.runner}. "
                    "Leave out `beam.mode`."
                )
            if self.workers > 1:
                place = _PARALLELISM.get(self.runner, "the settings of the job service")
                yield (
                    f"`beam.workers: {self.workers}` counts the workers of DirectRunner, and `beam.runner` is "
                    f"{self.runner}. Leave out `beam.workers`, and say it by {place}."
                )
        if self.runner == "PortableRunner" and not self.options.get("job_endpoint"):
            yield (
                "`beam.runner: PortableRunner` needs a job service: name its address, such as `beam.options: "
                '{job_endpoint: "localhost:8099"}`, or take FlinkRunner or SparkRunner, which start one.'
            )

    def _check_options(self) -> Iterator[str]:
        for name in self.options:
            if own := _OWN_KEYS.get(name):
                yield f"`beam.options.{name}` has a key of its own: set `{own}`."
            elif not _NAME.fullmatch(name):
                plain = name.lstrip("-").replace("-", "_")
                yield (
                    f"`beam.options.{name}` is no name of an option. Write it without dashes before it and with _ "
                    f"inside{f', as {plain}' if _NAME.fullmatch(plain) else ''}."
                )

    def arguments(self) -> list[str]:
        """Beam's command line. The runner is named, since newer Beams would choose another one.

        Local workers, and those of a pool, import what is installed where they are. The image that none of them reads
        keeps TFX from packing an sdist of itself for them, 2 s a node.
        """
        own = [option for name, value in self.options.items() for option in _flags(name, value)]
        if self.runner == DIRECT:
            direct = [f"--direct_running_mode={self.mode or 'in_memory'}", f"--direct_num_workers={self.workers}"]
            return [f"--runner={DIRECT}", *self._no_package(), *direct, *own]
        return [f"--runner={self.runner}", *self._no_package(), *own]

    def _no_package(self) -> list[str]:
        """What keeps TFX from packing itself; nothing where workers run in a container, whose image it would be."""
        if "sdk_container_image" in self.options or not (self.runner == DIRECT or self.has_workers_of_their_own):
            return []
        return ["--sdk_container_image=none"]

    @property
    def has_workers_of_their_own(self) -> bool:
        """Whether workers of an engine import what is installed where they are, and no container is made for them."""
        return str(self.options.get("environment_type", "")).upper() in ("EXTERNAL", "LOOPBACK", "PROCESS")


def _flags(name: str, value: Option) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}"] if value else []
    return [f"--{name}={each}" for each in (value if isinstance(value, list) else [value])]


def problem_of_runner(name: str, key: str) -> Iterator[str]:
    """What is wrong with a runner that a key names, in a sentence; nothing where it can be taken."""
    if name in RUNNERS:
        return
    near = {each.lower().removesuffix("runner"): each for each in (*RUNNERS, *_REFUSED)}
    found = difflib.get_close_matches(name.lower().removesuffix("runner"), near, n=1)
    if found and near[found[0]] in _REFUSED:
        refused = near[found[0]]
        yield f"`{key}: {refused}` is refused: {_REFUSED[refused]}. Take one of {', '.join(RUNNERS)}."
        return
    hint = f"Did you mean `{near[found[0]]}`?" if found else f"Known: {', '.join(RUNNERS)}."
    yield f"`{key}`: there is no runner {name!r}. {hint}"
