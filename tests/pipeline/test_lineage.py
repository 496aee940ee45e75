"""What ML Metadata holds of the last execution of a node."""

from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.lineage import NodeOutcome, last_outcome


def write_store(path: Path) -> None:
    """A node that ran twice: the first run was cached, the second pushed."""
    connection = pb.ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = MetadataStore(connection)
    artifact_type = store.put_artifact_type(pb.ArtifactType(name="PushedModel"))
    execution_type = store.put_execution_type(pb.ExecutionType(name="Pusher"))
    context_type = store.put_context_type(pb.ContextType(name="node"))
    (context,) = store.put_contexts([pb.Context(type_id=context_type, name="daily.Pusher")])
    for state, uri in ((pb.Execution.CACHED, "/old"), (pb.Execution.COMPLETE, "/new")):
        artifact = pb.Artifact(type_id=artifact_type, uri=uri)
        artifact.custom_properties["pushed"].int_value = 1
        artifact.custom_properties["pushed_destination"].string_value = f"/serving{uri}"
        artifact.custom_properties["more"].struct_value.fields["x"].number_value = 1
        (artifact_id,) = store.put_artifacts([artifact])
        (execution,) = store.put_executions([pb.Execution(type_id=execution_type, last_known_state=state)])
        event = pb.Event(artifact_id=artifact_id, execution_id=execution, type=pb.Event.OUTPUT)
        event.path.steps.add().key = "pushed_model"
        store.put_events([event])
        association = pb.Association(execution_id=execution, context_id=context)
        store.put_attributions_and_associations([], [association])


def test_the_newest_execution_speaks(tmp_path: Path) -> None:
    write_store(tmp_path / "metadata.db")
    assert last_outcome(tmp_path / "metadata.db", "daily", "Pusher") == NodeOutcome(
        "complete",
        {"pushed_model": "/new"},
        {"pushed_model": {"pushed": 1, "pushed_destination": "/serving/new"}},
    )
    assert last_outcome(tmp_path / "metadata.db", "daily", "Trainer") is None
