"""A client of the recommender that needs grpcio and protobuf, and neither TensorFlow nor numpy.

It speaks TensorFlow Serving's API, so it works with `pnfrec serve` and with the stock tensorflow/serving image alike:

    with RecommenderClient("localhost:8500") as client:
        answer = client.recommend(["1375666", "0110912"], k=5)
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import grpc

from pnfrec_core import schema
from serving import contract, errors, wire
from serving.contract import Recommendations

__all__ = [
    "ModelMetadata",
    "Recommendations",
    "RecommenderClient",
    "Signature",
    "TensorSpec",
    "VersionStatus",
]


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Type and shape of an input or output; -1 is a free size, a shape of None a free rank."""

    dtype: str
    shape: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True)
class Signature:
    """Inputs and outputs of one entry point of the SavedModel, by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """What the serving version offers."""

    version: int
    signatures: Mapping[str, Signature]


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """State of one version: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END"; no `error` where all is well."""

    version: int
    state: str
    error_code: str = "OK"
    error: str = ""


class RecommenderClient:
    """Asks a server for recommendations. Safe to use from several threads.

    Args:
        target: "host:port" of the gRPC port.
        model_name: As the server names the model.
        timeout: Seconds until a call is given up.
        version: Asks for this version only; None takes the newest that is loaded.
    """

    def __init__(
        self, target: str, model_name: str = "pnfrec", timeout: float = 5.0, version: int | None = None
    ) -> None:
        self.target = target
        self.model_name = model_name
        self.timeout = timeout
        self.version = version
        self._process = os.getpid()
        self._channel = grpc.insecure_channel(target, options=_channel_options(target))
        self._predict = self._method(wire.PREDICT, wire.PredictRequest, wire.PredictResponse)
        self._metadata = self._method(
            wire.GET_MODEL_METADATA, wire.GetModelMetadataRequest, wire.GetModelMetadataResponse
        )
        self._status = self._method(wire.GET_MODEL_STATUS, wire.GetModelStatusRequest, wire.GetModelStatusResponse)

    def __enter__(self) -> "RecommenderClient":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection. Calls after it raise ValueError."""
        self._channel.close()

    def recommend(
        self,
        positive: Sequence[str],
        exclude: Sequence[str] | None = None,
        k: int = 10,
        *,
        negative: Sequence[str] | None = None,
        gamma: float | None = None,
    ) -> Recommendations:
        """The best `k` items after a history.

        Args:
            positive: Ids of the items that the user liked, oldest first. Unknown ones are ignored; may be empty.
            exclude: More ids that must not come back, if any. The history never does.
            k: How many. Fewer come back when fewer are left.
            negative: Ids of the items that the user disliked, oldest first. They never come back, and are what the
                model reads where it knows no liked item.
            gamma: Weight of dislikes in the ranking; None takes the model's own, 0 is the paper's ranking.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        excludes, negatives = ([row] if row is not None else None for row in (exclude, negative))
        return self.recommend_batch([positive], excludes, k, negatives=negatives, gamma=gamma)[0]

    def recommend_batch(
        self,
        positives: Sequence[Sequence[str]],
        excludes: Sequence[Sequence[str]] | None = None,
        k: int | Sequence[int] = 10,
        *,
        negatives: Sequence[Sequence[str]] | None = None,
        gamma: float | None = None,
    ) -> list[Recommendations]:
        """`recommend` for several histories in one call, answered in their order.

        Args:
            positives: One history a row.
            excludes: One list a row; None excludes nothing more.
            k: One for all rows, or one a row.
            negatives: One list a row.
            gamma: For all rows.

        Raises:
            ValueError: The numbers of rows differ, or `k` is not a 32-bit number.
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        if not positives:
            return []
        if negatives is None and gamma is not None:
            negatives = [()] * len(positives)
        name = schema.SERVING_SIGNATURE if negatives is None else schema.NEGATIVES_SIGNATURE
        request = contract.build_request(positives, excludes, k, self._spec(name), negatives, gamma)
        return contract.read_response(self._call(self._predict, request), len(positives))

    def metadata(self) -> ModelMetadata:
        """Signatures of the version that serves.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        request = wire.GetModelMetadataRequest(model_spec=self._spec(), metadata_field=[wire.SIGNATURE_DEF_FIELD])
        response = self._call(self._metadata, request)
        with contract.checked("GetModelMetadata"):
            packed = response.metadata[wire.SIGNATURE_DEF_FIELD].value
            signatures = wire.SignatureDefMap.FromString(packed).signature_def
            return ModelMetadata(
                int(response.model_spec.version.value),
                {name: _signature(signatures[name]) for name in sorted(signatures)},
            )

    def status(self) -> list[VersionStatus]:
        """State of each version that the server knows of, the newest first.

        Raises:
            serving.errors.ServingError: No answer; the subclass and the message say why.
        """
        response = self._call(self._status, wire.GetModelStatusRequest(model_spec=self._spec()))
        found = [
            VersionStatus(
                int(version.version),
                wire.state_name(version.state),
                wire.code_name(version.status.error_code),
                version.status.error_message,
            )
            for version in response.model_version_status
        ]
        return sorted(found, key=lambda status: -status.version)

    def _spec(self, signature: str = "") -> Any:
        return wire.model_spec(self.model_name, self.version, signature)

    def _method(self, path: str, request: Any, response: Any) -> Callable[..., Any]:
        method: Callable[..., Any] = self._channel.unary_unary(
            path, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )
        return method

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        if os.getpid() != self._process:
            # The threads of a connection do not come along: it would wait for an answer that nobody reads.
            msg = (
                f"This client of {self.target} was made in process {self._process}, and this is its fork "
                f"{os.getpid()}. Make a client after the fork, in each process."
            )
            raise errors.ForkedClientError(msg)
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise errors.translate(error, self.target, self.model_name, self.timeout) from error


def _signature(proto: Any) -> Signature:
    def specs(infos: Any) -> dict[str, TensorSpec]:
        return {
            name: TensorSpec(wire.type_name(infos[name].dtype), wire.shape_of(infos[name].tensor_shape))
            for name in sorted(infos)
        }

    return Signature(specs(proto.inputs), specs(proto.outputs))


def _channel_options(target: str) -> list[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", wire.MAX_MESSAGE_BYTES),
        # A restarted server is found again within two seconds instead of gRPC's two minutes.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if target.startswith(("localhost:", "127.", "[::1]:")):
        # gRPC would send even these through the proxy that the environment names.
        options.append(("grpc.enable_http_proxy", 0))
    return options
