"""Reads ML Metadata: how the last execution of a node ended, where its outputs lie, and what they say of themselves."""

import dataclasses
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class NodeOutcome:
    """The last execution of a node.

    Attributes:
        state: "complete", "cached", "failed"...
        outputs: Output key to artifact URI.
        properties: Output key to the artifact's custom properties.
    """

    state: str
    outputs: dict[str, str]
    properties: dict[str, dict[str, Any]]


def last_outcome(metadata_path: Path, pipeline: str, node: str) -> NodeOutcome | None:
    """The outcome of the node's newest execution; None when it never ran."""
    store = _store(metadata_path)
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    executions = store.get_executions_by_context(context.id) if context else []
    if not executions:
        return None
    newest = max(executions, key=lambda execution: execution.id)
    artifacts = _outputs(store, newest.id)
    return NodeOutcome(
        _state_name(newest),
        {key: artifact.uri for key, artifact in artifacts.items()},
        {key: _properties(artifact) for key, artifact in artifacts.items()},
    )


def _outputs(store: Any, execution_id: int) -> dict[str, Any]:
    from ml_metadata.proto import metadata_store_pb2

    events = [
        event
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == metadata_store_pb2.Event.OUTPUT and event.path.steps
    ]
    artifacts = {each.id: each for each in store.get_artifacts_by_id([event.artifact_id for event in events])}
    return {event.path.steps[0].key: artifacts[event.artifact_id] for event in events}


def _properties(artifact: Any) -> dict[str, Any]:
    """The custom properties that are numbers or text."""
    kinds = {name: value.WhichOneof("value") for name, value in artifact.custom_properties.items()}
    return {
        name: getattr(artifact.custom_properties[name], kind)
        for name, kind in kinds.items()
        if kind in ("int_value", "double_value", "string_value")
    }


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
