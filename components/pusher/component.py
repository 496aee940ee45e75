"""ServingPusher, the Pusher of this project."""

import dataclasses
import time

from tfx import types
from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2

from components.pusher import executor
from components.pusher.config import PushConfig


class ServingPusher(component.Pusher):  # type: ignore[misc]
    """Delivers a blessed model to the serving folder, and looks there before it believes that it is done.

    TFX's Pusher is cached by its inputs alone. After the settings A, B and A again, a return to B would find the push
    of B in the cache and leave A, the newer version, in service; and a serving folder that somebody emptied would never
    be filled again. So this one always runs, and copies nothing where the newest version is the model already.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        base_directory: str,
        resolved_config: str = "",
        push: PushConfig | None = None,
    ) -> None:
        """Makes the component.

        Args:
            model: Output of the Trainer.
            model_blessing: Output of the Evaluator.
            base_directory: The serving folder, whose versions are as in `pnfrec_core.versions`.
            resolved_config: All settings of the run as text, stored in the pushed version.
            push: What the model has to show before; None asks nothing.
        """
        filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=base_directory)
        super().__init__(
            model=model,
            model_blessing=model_blessing,
            push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
            # Never the same twice, so never taken from the cache.
            custom_config={
                executor.RESOLVED_CONFIG: resolved_config,
                executor.PUSH: dataclasses.asdict(push or PushConfig(rehearse=False)),
                "asked_at": str(time.time_ns()),
            },
        )
