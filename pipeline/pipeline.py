"""Wires the components. Nothing is decided here: settings come from the config, work is done in `components/`."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.components import ExampleValidator
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.types import standard_artifacts

from components.baseline.component import BaselineFinder, BaselineKeeper
from components.data_contract import SCHEMA_FILE
from components.data_contract.component import CuratedSchema
from components.data_contract.statistics import statistics_gen
from components.data_gate.component import AnomalyGate
from components.everything.component import EverythingGen
from components.feedback.component import FeedbackGen
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.reading.stores import open_stores_with
from components.gate.eval_config import make_eval_config
from components.gate.evaluator import evaluator as make_evaluator
from components.gate.last_blessed import Asked, LastBlessedOtherModel
from components.gate.report.component import GateReporter
from components.pusher.component import ServingPusher
from components.refit.component import Refit
from components.trainer import choice
from components.trainer.component import SequenceTrainer
from components.trainer.config import TrainerConfig
from components.tuner import tuner_fn
from components.tuner.component import SequenceTuner
from components.warm.earlier import JUDGED, REFITTED, EarlierModels
from components.warm.start import WARM
from pipeline.config import PipelineConfig
from pnfrec_artifacts import GateReport
from pnfrec_core import schema


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """What is different where a pipeline is compiled on this machine and runs, more than once, on others.

    Attributes:
        root: The URI that artifacts are written below; "" is what the cluster is set to.
        baselines: The folder of blessed models: there is no ML Metadata that a node could ask.
        most_baselines: How many of them stay.
        refuse: Whether a run fails where the gate refused the model.
        beam: Beam's options.
    """

    root: str
    baselines: str
    most_baselines: int
    refuse: bool
    beam: Sequence[str]


def create_pipeline(config: PipelineConfig, elsewhere: Elsewhere | None = None) -> Any:
    """The pipeline of a configuration: feedback -> sequences (-> settings) -> model -> gate -> push.

    Args:
        config: All settings.
        elsewhere: Where it is not this machine that runs it.
    """
    beam_args = list(elsewhere.beam) if elsewhere else config.beam.arguments()
    open_stores_with(beam_args)
    feedback = FeedbackGen(config=config.feedback, files_are_here=elsewhere is None)
    examples = feedback.outputs["examples"]
    statistics = statistics_gen(examples, config.statistics)
    curated = CuratedSchema(None if elsewhere else SCHEMA_FILE).with_id("ImportSchemaGen")
    validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=curated.outputs["schema"])
    anomaly_gate = AnomalyGate(validator.outputs["anomalies"], feedback.outputs["statistics"])
    data = {"examples": examples, "vocabulary": feedback.outputs["vocabulary"], "schema": curated.outputs["schema"]}
    tuner = SequenceTuner(**data, custom_config=_tuner_settings(config)) if config.tuner.enabled else None
    earlier = _earlier(config, feedback) if config.training.warm_start else None
    trainer = SequenceTrainer(
        **data,
        custom_config=_trainer_settings(config),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=earlier.outputs[JUDGED] if earlier else None,
    )
    # The gate hands nothing on, so its place before what trains has to be said.
    trainer.add_upstream_node(anomaly_gate)
    if tuner:
        tuner.add_upstream_node(anomaly_gate)
    model = trainer.outputs["model"]
    baseline = _baseline(config, model, elsewhere).with_id("LastBlessedModel")
    evaluator = make_evaluator(
        config.gate,
        at_random=bool(config.feedback.random_files),
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
        eval_config=make_eval_config(config.gate),
        example_splits=[schema.TEST_SPLIT],
        # Slices whole batches: the same results, in less time the more examples there are.
        module_path="components.gate.extractors",
    )
    report = GateReporter(
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        model=model,
        baseline_model=baseline.outputs["model"],
        baseline_blessing=baseline.outputs["model_blessing"],
        gone_baselines=baseline.outputs["gone"],
        statistics=feedback.outputs["statistics"],
        gate=config.gate,
    )
    refit = _refit(config, feedback, trainer, evaluator, report, earlier, elsewhere) if config.refits else ()
    pusher = ServingPusher(
        model=model,
        refitted=refit[-1].outputs["model"] if refit else None,
        model_blessing=evaluator.outputs["blessing"],
        base_directory=str(config.serving_path),
        resolved_config=config.to_yaml(),
        push=config.push,
        # It brings the model card; and what it finds wrong (a gate that disagrees with itself) must stop the push too.
        report=report.outputs["report"],
        examples=feedback.outputs["examples"],
        once=elsewhere is None,
    ).with_id("Pusher")
    keeper = _keeper(elsewhere, model, evaluator, report, pusher) if elsewhere else None
    return tfx_pipeline.Pipeline(
        pipeline_name=config.name,
        pipeline_root=elsewhere.root if elsewhere else str(config.artifacts_path),
        components=[
            *(feedback, statistics, curated, validator, anomaly_gate),
            *([tuner] if tuner else []),
            *([earlier] if earlier else []),
            *(trainer, baseline, evaluator, report),
            *([keeper] if keeper else []),
            *(*refit, pusher),
        ],
        enable_cache=config.cache,
        metadata_connection_config=sqlite_metadata_connection_config(str(config.metadata_path)),
        beam_pipeline_args=beam_args,
    )


def _earlier(config: PipelineConfig, feedback: Any) -> Any:
    """Finds the models of earlier data that a warm start begins with."""
    return Resolver(
        strategy_class=EarlierModels,
        config={"serving": str(config.serving_path)},
        model=types.Channel(type=standard_artifacts.Model),
        model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        statistics=feedback.outputs["statistics"],
        **{name: types.Channel(type=standard_artifacts.Model) for name in (JUDGED, REFITTED)},
    ).with_id("EarlierModels")


def _refit(
    config: PipelineConfig,
    feedback: Any,
    trainer: Any,
    evaluator: Any,
    report: Any,
    earlier: Any,
    elsewhere: Elsewhere | None,
) -> tuple[Any, Any]:
    """What trains a blessed model anew on everything. It waits for the report, which tells why a model is refused."""
    everything = EverythingGen(config.feedback, feedback.outputs["statistics"], files_are_here=elsewhere is None)
    everything.add_upstream_node(report)
    refit = Refit(
        judged=trainer.outputs["model"],
        blessing=evaluator.outputs["blessing"],
        examples=everything.outputs["examples"],
        vocabulary=everything.outputs["vocabulary"],
        initial=earlier.outputs[REFITTED] if earlier else None,
        custom_config={
            **_trainer_settings(config),
            choice.STATE_DIR: str(config.output_path / "refit_state"),
            # TFX's cache is not all that could hand it an earlier result. Kubeflow's is off by default, for what it
            # does not know of code and files, which the digest of a refit knows.
            **({} if config.cache or elsewhere else {choice.ANEW: True}),
        },
    )
    return everything, refit


def _baseline(config: PipelineConfig, model: Any, elsewhere: Elsewhere | None) -> Any:
    """The node that finds the baseline: in ML Metadata, or in the folder of blessed models."""
    asked = Asked(
        k=config.gate.k,
        default_list=config.gate.judges_default,
        lists=config.gate.asks_lists,
        groups=config.gate.asks_groups,
        # What is marked there as bad is no baseline.
        serving=str(config.serving_path),
        history_length=config.gate.baseline_history,
        metric=config.gate.history_metric,
    )
    if elsewhere:
        return BaselineFinder(candidate=model, folder=elsewhere.baselines, asked=asked)
    return Resolver(
        strategy_class=LastBlessedOtherModel,
        config=asked._asdict(),
        model=types.Channel(type=standard_artifacts.Model),
        model_blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        candidate=model,
        gone=types.Channel(type=standard_artifacts.Model),
        report=types.Channel(type=GateReport),
    )


def _keeper(elsewhere: Elsewhere, model: Any, evaluator: Any, report: Any, pusher: Any) -> Any:
    """The node that keeps what was blessed, before the push: a model that cannot be served was blessed all the same."""
    keeper = BaselineKeeper(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        report=report.outputs["report"],
        folder=elsewhere.baselines,
        most=elsewhere.most_baselines,
        refuse=elsewhere.refuse,
    )
    pusher.add_upstream_node(keeper)
    return keeper


def _tuner_settings(config: PipelineConfig) -> dict[str, Any]:
    return {
        choice.MODEL: dataclasses.asdict(config.model),
        choice.TRAINING: dataclasses.asdict(config.training.fitting()),
        tuner_fn.TUNER: dataclasses.asdict(config.tuner),
        choice.STATE_DIR: str(config.output_path / "tuner_state"),
    }


def _trainer_settings(config: PipelineConfig) -> dict[str, Any]:
    # Only what made the model: a changed gate must not train it again, nor a search that is not made.
    # That a model is refitted is no part of it either: nothing is trained for a setting of what comes after. Nor is
    # where rows are kept that were read, which a cluster has its own place for.
    training = TrainerConfig(**dataclasses.asdict(config.training.fitting()))
    feedback = dataclasses.replace(config.feedback, keep_read=KeepReadConfig())
    sections = ("name", "feedback", "model", "training", "export", *(["tuner"] if config.tuner.enabled else []))
    return {
        choice.MODEL: dataclasses.asdict(config.model),
        choice.TRAINING: dataclasses.asdict(config.training.fitting()),
        choice.EXPORT: dataclasses.asdict(config.export),
        **({} if config.training.warm() is None else {WARM: config.training.warm()}),
        choice.STATE_DIR: str(config.output_path / "training_state"),
        choice.RESOLVED_CONFIG: dataclasses.replace(config, training=training, feedback=feedback).to_yaml(*sections),
    }
