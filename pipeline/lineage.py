"""Reads ML Metadata: how the last execution of a node ended, and where its outputs lie."""

import dataclasses
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class NodeOutcome:
    """The last execution of a node.

    Attributes:
        state: "complete", "cached", "failed"...
        outputs: Output key to artifact URI.
    """

    state: str
    outputs: dict[str, str]


def last_outcome(metadata_path: Path, pipeline: str, node: str) -> NodeOutcome | None:
    """The outcome of the node's newest execution; None when it never ran."""
    store = _store(metadata_path)
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    executions = store.get_executions_by_context(context.id) if context else []
    if not executions:
        return None
    newest = max(executions, key=lambda execution: execution.id)
    return NodeOutcome(_state_name(newest), _outputs(store, newest.id))


def _outputs(store: Any, execution_id: int) -> dict[str, str]:
    from ml_metadata.proto import metadata_store_pb2

    events = [
        event
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == metadata_store_pb2.Event.OUTPUT and event.path.steps
    ]
    uris = {
        artifact.id: artifact.uri for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])
    }
    return {event.path.steps[0].key: uris[event.artifact_id] for event in events}


def _store(metadata_path: Path) -> Any:
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2

    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(metadata_path)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE
    return metadata_store.MetadataStore(connection)


def _state_name(execution: Any) -> str:
    from ml_metadata.proto import metadata_store_pb2

    return str(metadata_store_pb2.Execution.State.Name(execution.last_known_state)).lower()
