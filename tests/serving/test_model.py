"""A SavedModel in a session: joined calls against calls alone, warm-up, faults of the graph, memory."""

import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from pnfrec_core import schema
from serving import errors, tensors, warmup, wire
from serving.limits import Limits
from serving.model import LoadedModel
from tests.serving.tiny_model import ITEMS


@pytest.fixture(scope="module")
def model(base: Path) -> Iterator[LoadedModel]:
    loaded = LoadedModel(base / "1", 1)
    yield loaded
    loaded.close()


@pytest.mark.parametrize("name", ["films[1]", "films\\1"])
def test_a_path_that_tensorflow_takes_for_a_pattern_is_named(base: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(base)
    with pytest.raises(ValueError, match=r"films.*/1 holds [\[\\], which TensorFlow takes for a pattern"):
        LoadedModel(tmp_path / name / "1", 1)


def inputs_of(histories: list[list[str]], ks: list[int], gammas: list[float] | None = None) -> Any:
    """Rows as a client pads them."""

    def ids(of: list[list[str]]) -> Any:
        width = max(map(len, of))
        return tensors.to_proto([[*row, *[""] * (width - len(row))] for row in of], tensors.DT_STRING, [len(of), width])

    found = {"positive_item_ids": ids(histories), "exclude_item_ids": ids([[]] * len(histories))}
    found["k"] = tensors.to_proto(ks, tensors.DT_INT32)
    if gammas is not None:
        found["negative_item_ids"] = ids([row[:1] for row in histories])
        found["gamma"] = tensors.to_proto(gammas, tensors.DT_FLOAT)
    return found


def lists_of(outputs: Any) -> dict[str, Any]:
    return {name: (wire.shape_of(proto.tensor_shape), tensors.to_lists(proto)) for name, proto in outputs.items()}


def reference(path: Path, name: str, inputs: Any) -> dict[str, Any]:
    """What `tf.saved_model.load` answers."""
    stock = {key: tensor_pb2.TensorProto.FromString(proto.SerializeToString()) for key, proto in inputs.items()}
    function = tf.saved_model.load(str(path)).signatures[name]
    answers = function(**{key: tf.constant(tf.make_ndarray(proto)) for key, proto in stock.items()})
    return {key: (tuple(value.shape), value.numpy().tolist()) for key, value in answers.items()}


@pytest.mark.parametrize("gammas", [None, [0.5, 0.0, 2.0]])
def test_a_session_answers_what_the_loaded_model_answers(
    base: Path, model: LoadedModel, gammas: list[float] | None
) -> None:
    inputs = inputs_of([["a", "b"], [], ["e"]], [2, 9, 0], gammas)
    name = schema.SERVING_SIGNATURE if gammas is None else schema.NEGATIVES_SIGNATURE
    assert lists_of(model.predict(name, inputs)) == reference(base / "1", name, inputs)


HISTORIES = st.lists(st.sampled_from([*ITEMS, "?", ""]), max_size=6)
ROWS = st.lists(st.tuples(HISTORIES, st.integers(-1, 7)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=2, max_size=6))
def test_calls_are_answered_together_as_they_are_alone(model: LoadedModel, asked: list[Any]) -> None:
    """Scores of the tiny model are whole numbers, so that not even the last bit differs; many of them tie."""
    served = model._served[schema.SERVING_SIGNATURE]
    requests = [inputs_of([row for row, _ in each], [k for _, k in each]) for each in asked]
    alone = [lists_of(model.predict("", inputs)) for inputs in requests]
    parts = [served.reader.read(inputs, Limits()) for inputs in requests]
    for found, expected in zip(served.run(parts), alone, strict=True):
        assert {name: (array.shape, array.tolist()) for name, array in found.items()} == expected


def test_exact_ties_are_in_the_order_of_the_items_in_any_batch(model: LoadedModel) -> None:
    # From a: b scores 3, c 1, d and e both 0. From e: d scores 5, and a, b and c tie at 0.
    expected = {"a": [b"b", b"c", b"d", b"e"], "e": [b"d", b"a", b"b", b"c"]}
    for count in (1, 2, 3, 7, 64, 200):
        histories = [["ae"[row % 2]] for row in range(count)]
        ids = tensors.to_lists(model.predict("", inputs_of(histories, [4]))["item_ids"])
        assert ids == [expected["ae"[row % 2]] for row in range(count)]


def test_a_large_call_is_cut_and_its_answer_is_whole(base: Path, model: LoadedModel) -> None:
    inputs = inputs_of([[ITEMS[row % 5]] * (row % 3) for row in range(150)], [row % 4 for row in range(150)])
    assert lists_of(model.predict("", inputs)) == reference(base / "1", schema.SERVING_SIGNATURE, inputs)


def test_no_rows_are_an_answer_without_rows(model: LoadedModel) -> None:
    inputs = inputs_of([["a"]], [3])
    for name in ("positive_item_ids", "exclude_item_ids"):
        inputs[name] = tensors.to_proto([], tensors.DT_STRING, [0, 2])
    found = model.predict("", inputs)
    assert {name: wire.shape_of(proto.tensor_shape) for name, proto in found.items()} == {
        "item_ids": (0, 3), "scores": (0, 3), "count": (0,), "fallback": (0,), "known_items": (0,)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("histories", "said"),
    [
        ([["1"] * 6], "Input `positive_item_ids` has 6 columns; this server takes 5 (`--max-columns`)."),
        ([["1"], ["1"] * 6], "Input `positive_item_ids` has 6 columns; this server takes 5 (`--max-columns`)."),
        ([["1"]] * 4, "has 4 rows; this server takes 3 (`--max-rows`)."),
    ],
)
def test_a_request_beyond_the_limits_is_refused_where_it_is_read(
    base: Path, histories: list[list[str]], said: str
) -> None:
    limited = LoadedModel(base / "1", 1, limits=Limits(max_rows=3, max_columns=5))
    assert limited.checks_inputs
    limited.predict("", inputs_of([["1"] * 5], [2]))
    with pytest.raises(errors.RequestFault) as caught:
        limited.predict("", inputs_of(histories, [2] * len(histories)))
    assert said in caught.value.details
    limited.close()


@pytest.mark.parametrize("signature_name", ["", "to_numbers"])
def test_a_declared_shape_is_refused_before_it_is_made(base: Path, signature_name: str) -> None:
    limited = LoadedModel(base / "1", 1, limits=Limits(max_rows=3))
    declared = inputs_of([["1"]], [2]) if not signature_name else {"no_such_input": tensors.to_proto([1], 3)}
    proto = declared[next(iter(declared))]
    proto.tensor_shape.dim[0].size = 2**40
    with pytest.raises(errors.RequestFault) as caught:
        limited.predict(signature_name, declared)
    assert "has 1099511627776 rows; this server takes 3" in caught.value.details
    limited.close()


def test_more_items_than_the_server_gives_are_refused_with_the_limit(base: Path) -> None:
    limited = LoadedModel(base / "1", 1, limits=Limits(max_k=4))
    with pytest.raises(errors.RequestFault, match=r"`k` asks for 5 items; this server gives 4 \(`--max-k`\)"):
        limited.predict("", inputs_of([["a"], ["b"]], [1, 5]))
    limited = LoadedModel(base / "1", 1, limits=Limits(max_items=6))
    assert limited.predict("", inputs_of([["a"], ["b"]], [3, 1]))
    told = r"3 rows of 3 items each are 9; this server gives 6 in one answer \(`--max-items`\)"
    with pytest.raises(errors.RequestFault, match=told):
        limited.predict("", inputs_of([["a"], ["b"], ["c"]], [1, 3, 1]))
    limited.close()


def test_broken_utf8_in_what_the_graph_says_is_the_callers_fault(model: LoadedModel) -> None:
    texts = tensors.to_proto([b"\xff\xfe"], tensors.DT_STRING)
    with pytest.raises(errors.RequestFault, match="could not correctly convert string") as caught:
        model.predict("to_numbers", {"texts": texts})
    assert caught.value.code == errors.INVALID_ARGUMENT
    assert caught.value.details.encode("utf-8")


def log(signature: str = "", **inputs: Any) -> bytes:
    record = prediction_log_pb2.PredictionLog()
    record.predict_log.request.model_spec.signature_name = signature
    for name, values in inputs.items():
        record.predict_log.request.inputs[name].CopyFrom(values)
    return bytes(record.SerializeToString())


def written(folder: Path, records: list[bytes]) -> Path:
    (folder / schema.EXTRA_ASSETS).mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(warmup.file_of(folder))) as writer:
        for record in records:
            writer.write(record)
    return folder


def ranking(**changed: Any) -> dict[str, Any]:
    found = {
        "positive_item_ids": tf.make_tensor_proto([["a"]]),
        "exclude_item_ids": tf.make_tensor_proto([["b"]]),
        "k": tf.make_tensor_proto([3], dtype=tf.int32),
    }
    return {**found, **changed}


def test_warm_up_requests_are_read_as_tensorflow_serving_reads_them(tmp_path: Path) -> None:
    assert list(warmup.read(tmp_path)) == []
    other = prediction_log_pb2.PredictionLog()
    other.classify_log.SetInParent()
    folder = written(tmp_path, [log(**ranking()), other.SerializeToString(), log("with_negatives")])
    first, second = warmup.read(folder)
    stock = predict_pb2.PredictRequest.FromString(first.SerializeToString())
    assert stock.inputs["k"] == tf.make_tensor_proto([3], dtype=tf.int32)
    assert second.model_spec.signature_name == "with_negatives"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x05\x00", r"cut off, or no file of TFRecords: record 0 at byte 0"),
        (b"\xff" * 16, r"record 0 at byte 0"),
        (None, r"more than 1000 requests"),
        (b"\x01" + b"\x00" * 11 + b"\xff" + b"\x00" * 4, r"record 0 is no PredictionLog"),
    ],
)
def test_a_file_of_warm_up_requests_that_is_none_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    folder = written(tmp_path, [log(**ranking())] * 1001)
    if content is not None:
        warmup.file_of(folder).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        list(warmup.read(folder))


def test_a_version_answers_its_warm_up_requests_before_it_serves(
    tmp_path: Path, push: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    """A request that fails keeps the version back only where it is one of a signature that ranks."""
    texts = tf.make_tensor_proto(["no number"])
    folder = written(push(tmp_path, 1), [log(**ranking()), log("to_numbers", texts=texts)])
    model = LoadedModel(folder, 1)
    model.warm_up()
    model.close()
    assert "request 1, of the signature `to_numbers`, fails: StringToNumberOp" in caplog.text
    bad = ranking(k=tf.make_tensor_proto([1, 2, 3], dtype=tf.int32))
    folder = written(push(tmp_path, 2), [log(**ranking()), log(**bad)])
    model = LoadedModel(folder, 2)
    with pytest.raises(ValueError, match="request 1, of the signature `serving_default`, fails: Input `k` must have"):
        model.warm_up()
    model.close()
    model = LoadedModel(written(push(tmp_path, 3, source=1), [log("gone", **ranking())]), 3)
    with pytest.raises(ValueError, match="request 0, of the signature `gone`, fails: Serving signature key"):
        model.warm_up()
    model.close()


def test_nothing_holds_the_graph_of_a_closed_model(base: Path) -> None:
    model = LoadedModel(base / "1", 1)
    model.warm_up()
    graph = weakref.ref(model._session.graph)
    assert graph() is not None
    model.close()
    assert graph() is None


def test_a_closed_model_gives_its_memory_back(exported: dict[int, Path]) -> None:
    """In a process of its own, as a server switches: what the process holds after 5 switches and after 40."""
    script = """
        import gc, sys
        from pathlib import Path
        from serving import server

        def resident():
            return int(Path("/proc/self/statm").read_text().split()[1])

        sizes, previous = [], None
        for number in range(41):
            model = server.load_model(Path(sys.argv[1 + number % 2]), number)
            model.warm_up()
            if previous is not None:
                previous.close()
            previous = model
            sizes.append(resident())
        print(sizes[40] / sizes[5])
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(exported[1]), str(exported[2])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.1
