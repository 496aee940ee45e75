"""The warm-up file, read back with TensorFlow Serving's own classes."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.export.warmup import WARMUP_FILE, warmup_requests, write_warmup
from pnfrec_keras.network.model import PNFRec
from tests.pnfrec_keras.export.sessions import Session

pytestmark = pytest.mark.tensorflow

# The reader of TensorFlow Serving refuses a file of more (warmup.cc, kMaxNumRecords).
MOST = 1000


def read(path: Path) -> list[Any]:
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    return [logs.PredictionLog.FromString(bytes(record.numpy())) for record in tf.data.TFRecordDataset(str(path))]


@pytest.mark.parametrize("variant", ["PNFRec", "SASRec"])
def test_each_signature_answers_its_requests(tmp_path: Path, variant: str) -> None:
    # Fewer items than the histories of the requests are long.
    vocabulary = Vocabulary([f"é{n}" for n in range(9)], np.arange(9, 0, -1), np.arange(9, 0, -1))
    export_saved_model(PNFRec(9, max_length=4, dim=8, variant=variant), vocabulary, tmp_path / "model")
    records, session = read(tmp_path / "model" / WARMUP_FILE), Session(tmp_path / "model")
    assert 0 < len(records) <= MOST
    asked: Counter[str] = Counter()
    for record in records:
        assert record.WhichOneof("log_type") == "predict_log"
        request = record.predict_log.request
        assert request.model_spec.name == "pnfrec"
        name = request.model_spec.signature_name
        answer = session.call(name, {key: tf.make_ndarray(value) for key, value in request.inputs.items()})
        assert all(len(value) for value in answer.values())
        asked[name] += 1
    assert set(asked) == {name for name in session.signatures if not name.startswith("__")}
    assert all(asked[name] == 2 for name in schema.QUERY_SIGNATURES if name in asked)


def test_the_file_says_what_the_requests_are(tmp_path: Path) -> None:
    vocabulary = Vocabulary([str(n) for n in range(300)], np.ones(300, int), np.ones(300, int))
    write_warmup(tmp_path / "requests", vocabulary, tells_dislikes=True)
    records = read(tmp_path / "requests")
    for record, (signature, inputs) in zip(records, warmup_requests(vocabulary, tells_dislikes=True), strict=True):
        request = record.predict_log.request
        assert request.model_spec.signature_name == signature
        assert set(request.inputs) == set(inputs)
        for name, value in inputs.items():
            found = tf.make_ndarray(request.inputs[name])
            assert found.shape == value.shape
            decoded = [
                each.decode() if isinstance(each, bytes) and signature != "rank_examples" else each
                for each in found.ravel()
            ]
            np.testing.assert_array_equal(np.array(decoded, value.dtype), value.ravel())
