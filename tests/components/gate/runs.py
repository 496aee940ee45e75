"""Runs of TFX's Evaluator on the hand-made world, each made once a session."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from tfx.components.evaluator import executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils, proto_utils

from components.gate import config, eval_config
from tests.components.gate import world

FAST = "components.gate.extractors"
# With a container image named, TFX does not pack itself into an archive for workers elsewhere (2 s); here are none.
BEAM_ARGS = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--sdk_container_image=none",
)
POSITIVE_USERS = {user: fields for user, fields in world.USERS.items() if fields[0] == 1}


@dataclasses.dataclass(frozen=True)
class Case:
    """What is evaluated."""

    gate: config.GateConfig
    users: Mapping[str, tuple[int, str, str]]
    with_baseline: bool = True
    module_path: str | None = FAST


@dataclasses.dataclass(frozen=True)
class Run:
    """Artifacts of an evaluation."""

    case: Case
    evaluation: Any
    blessing: Any
    model: Any
    baseline: Any

    @property
    def blessed(self) -> bool:
        files = sorted(path.name for path in pathlib.Path(self.blessing.uri).iterdir())
        assert files in (["BLESSED"], ["NOT_BLESSED"])
        return files == ["BLESSED"]


def gate(**bounds: config.BoundConfig) -> config.GateConfig:
    return config.GateConfig(bounds=bounds, k=world.K)


def sliced(least: int, head: config.BoundConfig, **more: dict[str, config.BoundConfig]) -> config.GateConfig:
    """Bounds on slices, beside one that holds."""
    return config.GateConfig(
        bounds={"hr_n": config.BoundConfig(max=0.4)},
        k=world.K,
        slice_bounds={
            "target_popularity_bucket": {"head": {"mrr_p": head}, "tail": more["tail"]},
            "history_length_bucket": {"5-9": more["long"], "50+": {"ndcg_p": config.BoundConfig(min=0.5, max_loss=0)}},
        },
        slice_min_targets=least,
    )


_TAIL_BROKEN = {"ndcg_p": config.BoundConfig(min=0.001), "gini": config.BoundConfig(max=0.4)}
# Of c and d the candidate finds neither target, the baseline that of c.
_LONG_BROKEN = {"hr_p": config.BoundConfig(max_loss=0.1)}
_ALL_KEPT = gate(
    ndcg_p=config.BoundConfig(min=0.3, max_loss=0.04),  # 0.375; 0.0327 less than the baseline's
    hr_n=config.BoundConfig(max=0.4, max_loss=0.0),  # 1/3, down from 2/3
    coverage=config.BoundConfig(min=0.625),  # exactly 5/8
)
CASES = {
    "kept": Case(_ALL_KEPT, world.USERS),
    "stock": Case(_ALL_KEPT, world.USERS, module_path=None),
    "broken": Case(
        gate(
            ndcg_p=config.BoundConfig(min=0.3, max_loss=0.03),
            hr_n=config.BoundConfig(max=0.3),
            coverage=config.BoundConfig(min=0.5),
        ),
        world.USERS,
    ),
    "default": Case(
        gate(
            hr_n=config.BoundConfig(max=0.4),
            default_hr_n=config.BoundConfig(max=0.6),  # 2/3
            default_ndcg_p=config.BoundConfig(max_loss=0.0),  # as in the one list of the baseline
            default_mrr_n=config.BoundConfig(max_loss=0.05),  # (1/2 + 1) / 3, up from (1 + 1/3) / 3
        ),
        world.USERS,
    ),
    "slices_kept": Case(
        sliced(
            1,
            config.BoundConfig(min=0.6, max_loss=0.0),  # (1 + 1/3) / 2, and 1/4 in the baseline
            tail={"ndcg_p": config.BoundConfig(min=0.0, max=0.1), "coverage": config.BoundConfig(min=0.3)},  # 3 of 8
            long={"hr_n": config.BoundConfig(max_loss=0.0)},
        ),
        world.USERS,
    ),
    "slices_broken": Case(sliced(1, config.BoundConfig(min=0.7), tail=_TAIL_BROKEN, long=_LONG_BROKEN), world.USERS),
    "slices_few": Case(sliced(3, config.BoundConfig(min=0.7), tail=_TAIL_BROKEN, long=_LONG_BROKEN), world.USERS),
    "first": Case(gate(ndcg_p=config.BoundConfig(max_loss=0.01)), world.USERS, with_baseline=False),
    "undefined": Case(
        gate(
            ndcg_p=config.BoundConfig(min=0.3), hr_n=config.BoundConfig(max=1.0), mrr_n=config.BoundConfig(max_loss=1.0)
        ),
        POSITIVE_USERS,
    ),
    "undefined_change": Case(gate(ndcg_n=config.BoundConfig(max_loss=1.0)), POSITIVE_USERS),
    "undefined_first": Case(gate(ndcg_n=config.BoundConfig(max_loss=1.0)), POSITIVE_USERS, with_baseline=False),
    "unbounded_undefined": Case(gate(ndcg_p=config.BoundConfig(min=0.3)), POSITIVE_USERS, with_baseline=False),
    "empty": Case(gate(ndcg_p=config.BoundConfig(min=0.3, max_loss=0.04)), {}),
}


class EvaluatorRuns:
    """Evaluates each case at most once.

    Args:
        root: An empty folder to work in.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._done: dict[str, Run] = {}
        default_ranks = world.CANDIDATE_DEFAULT_RANKS
        world.write_model(root / "candidate", world.CANDIDATE, world.CANDIDATE_SIZE, default_ranks)
        world.write_model(root / "baseline", world.BASELINE, world.BASELINE_SIZE)

    def __call__(self, name: str) -> Run:
        if name not in self._done:
            self._done[name] = self._evaluate(name, CASES[name])
        return self._done[name]

    def _evaluate(self, name: str, case: Case) -> Run:
        folder = self._root / name
        world.write_users(folder / "examples", "test", case.users)
        examples = make_artifact(standard_artifacts.Examples, folder / "examples")
        examples.split_names = artifact_utils.encode_split_names(["test"])
        run = Run(
            case=case,
            evaluation=make_artifact(standard_artifacts.ModelEvaluation, folder / "evaluation"),
            blessing=make_artifact(standard_artifacts.ModelBlessing, folder / "blessing"),
            model=make_artifact(standard_artifacts.Model, self._root / "candidate"),
            baseline=make_artifact(standard_artifacts.Model, self._root / "baseline"),
        )
        inputs = {"examples": [examples], "model": [run.model]}
        if case.with_baseline:
            inputs["baseline_model"] = [run.baseline]
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=list(BEAM_ARGS), tmp_dir=str(folder / "tmp"), unique_id=name
        )
        executor.Executor(context).Do(
            inputs,
            {"evaluation": [run.evaluation], "blessing": [run.blessing]},
            {
                "eval_config": proto_utils.proto_to_json(eval_config.make_eval_config(case.gate)),
                "example_splits": json_utils.dumps(["test"]),
                "feature_slicing_spec": None,
                "fairness_indicator_thresholds": None,
                "module_path": case.module_path,
            },
        )
        return run


def make_artifact(artifact_type: Any, folder: pathlib.Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = artifact_type()
    artifact.uri = str(folder)
    return artifact
