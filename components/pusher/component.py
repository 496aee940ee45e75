"""ServingPusher, the Pusher of this project."""

import dataclasses
import json
import time
from typing import ClassVar

from tfx import types
from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

from components.pusher import executor
from components.pusher.config import PushConfig
from pnfrec_artifacts import GateReport


class ServingPusherSpec(standard_component_specs.PusherSpec):  # type: ignore[misc]
    """PusherSpec, the gate's report, which brings the model card, examples, whose users are asked for, and a refit."""

    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        **standard_component_specs.PusherSpec.INPUTS,
        executor.REPORT: ChannelParameter(type=GateReport, optional=True),
        executor.EXAMPLES: ChannelParameter(type=standard_artifacts.Examples, optional=True),
        executor.REFITTED: ChannelParameter(type=standard_artifacts.Model, optional=True),
    }


class ServingPusher(component.Pusher):  # type: ignore[misc]
    """Delivers a blessed model to the serving folder, and looks there before it believes that it is done.

    TFX's Pusher is cached by its inputs alone. After the settings A, B and A again, a return to B would find the push
    of B in the cache and leave A, the newer version, in service; and a serving folder that somebody emptied would never
    be filled again. So this one always runs, and copies nothing where the newest version is the model already.
    """

    SPEC_CLASS = ServingPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        base_directory: str,
        resolved_config: str = "",
        push: PushConfig | None = None,
        report: types.BaseChannel | None = None,
        examples: types.BaseChannel | None = None,
        refitted: types.BaseChannel | None = None,
        once: bool = True,
    ) -> None:
        """Makes the component.

        Args:
            model: Output of the Trainer.
            model_blessing: Output of the Evaluator.
            base_directory: The serving folder, whose versions are as in `pnfrec_core.versions`.
            resolved_config: All settings of the run as text, stored in the pushed version.
            push: What the model has to show before; None asks nothing.
            report: Output of GateReporter, whose model card goes into the version; None delivers none.
            examples: Output of FeedbackGen, for `push.replay_users` and for `refitted`; None compares nothing.
            refitted: Output of Refit, which is pushed in the place of the blessed model; None pushes that itself.
            once: Whether the component runs once, so that the time of now keeps it out of the cache. A pipeline that is
                compiled once and run often has to have no cache for it instead.
        """
        filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=base_directory)
        custom_config = {
            executor.RESOLVED_CONFIG: resolved_config,
            executor.PUSH: dataclasses.asdict(push or PushConfig(rehearse=False, replay_users=0)),
            # Never the same twice, so never taken from the cache.
            **({"asked_at": str(time.time_ns())} if once else {}),
        }
        spec = ServingPusherSpec(
            model=model,
            model_blessing=model_blessing,
            report=report,
            examples=examples,
            refitted=refitted,
            push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
            custom_config=json.dumps(custom_config),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        # Pusher's own __init__ takes no input beyond TFX's; its base does.
        super(component.Pusher, self).__init__(spec=spec)
