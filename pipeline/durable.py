"""What a node has written is on the disk before ML Metadata says that the node is complete.

SQLite puts its own file there with each change. After a power cut the next run would else take from the cache what an
unfortunate moment has left empty.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pnfrec_core.files import sync_tree


@contextlib.contextmanager
def nodes() -> Iterator[None]:
    """Holds for the nodes that are launched inside the context.

    TFX has no hook between a node's work and its record, so that the launcher's own step is wrapped.
    """
    from tfx.orchestration.portable.launcher import Launcher

    run = Launcher._run_executor

    def durable(launcher: Any, execution_info: Any) -> Any:
        result = run(launcher, execution_info)
        for artifact in (each for several in execution_info.output_dict.values() for each in several):
            # Outputs that are values, and those of nodes that write nothing, have no folder here.
            if Path(artifact.uri).is_dir():
                sync_tree(artifact.uri)
        return result

    Launcher._run_executor = durable
    try:
        yield
    finally:
        Launcher._run_executor = run
