"""What the client and its asyncio twin ask for, and what they read out of the answers: all but the sending."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pnfrec_core import schema
from serving import contract, wire


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


@dataclasses.dataclass(frozen=True)
class Dialogue:
    """Requests to one model, and the reading of their answers.

    Attributes:
        model_name: As the server names the model.
        version: Asks for this version only; None takes the one that serves.
        label: Asks for the version that bears this label; None asks for none.
        rows_per_call: A larger batch is cut into several calls.
    """

    model_name: str
    version: int | None = None
    label: str | None = None
    rows_per_call: int = 1024

    def __post_init__(self) -> None:
        if self.version is not None and self.label is not None:
            msg = f"Give `version` or `label`, not both. Received: {self.version} and {self.label!r}."
            raise ValueError(msg)
        if self.rows_per_call < 1:
            msg = f"`rows_per_call` must be at least 1. Received: {self.rows_per_call}."
            raise ValueError(msg)

    def predictions(
        self,
        positives: Sequence[Sequence[str]],
        excludes: Sequence[Sequence[str]] | None,
        k: int | Sequence[int],
        negatives: Sequence[Sequence[str]] | None,
        gamma: float | None,
        wishes: contract.Wishes | None = None,
    ) -> list[tuple[Any, int]]:
        """The requests that a batch becomes, each with how many rows it has.

        All are made before one is sent, so that a wrong last row is told before the first answer.

        Raises:
            TypeError, ValueError: As `contract.build_request`.
        """
        for name, each in (("positives", positives), ("excludes", excludes), ("negatives", negatives)):
            if each is not None and not hasattr(each, "__len__"):
                msg = f"`{name}` must be a list of histories, a row each. Received: {each!r}."
                raise TypeError(msg)
        rows, size = len(positives), self.rows_per_call
        if not rows:
            return []
        if negatives is None and gamma is not None:
            negatives = [()] * rows
        spec = self.spec(_signature_for(negatives, wishes))
        ks = list(k) if isinstance(k, Iterable) else [k]
        allows, caps = (None, [0]) if wishes is None else (wishes.allows, wishes.caps())
        counts = [len(each) for each in (excludes, negatives, allows) if each is not None]
        if rows <= size or set(counts) - {rows} or not {len(ks), len(caps)} <= {1, rows}:
            # One call, or the error that says what is wrong with the whole.
            return [(contract.build_request(positives, excludes, k, spec, negatives, gamma, wishes), rows)]
        made = []
        for begin in range(0, rows, size):
            part = slice(begin, begin + size)
            exclude, negative = (None if each is None else each[part] for each in (excludes, negatives))
            own_ks = ks if len(ks) == 1 else ks[part]
            own_wishes = None if wishes is None else wishes.part(part)
            request = contract.build_request(positives[part], exclude, own_ks, spec, negative, gamma, own_wishes)
            made.append((request, len(positives[part])))
        return made

    def metadata_request(self) -> Any:
        return wire.GetModelMetadataRequest(model_spec=self.spec(), metadata_field=[wire.SIGNATURE_DEF_FIELD])

    def read_metadata(self, response: Any) -> ModelMetadata:
        """Signatures out of a GetModelMetadataResponse.

        Raises:
            serving.errors.UnexpectedAnswerError: It does not hold them.
        """
        with contract.checked("GetModelMetadata"):
            packed = response.metadata[wire.SIGNATURE_DEF_FIELD].value
            signatures = wire.SignatureDefMap.FromString(packed).signature_def
            return ModelMetadata(
                int(response.model_spec.version.value),
                {name: _signature(signatures[name]) for name in sorted(signatures)},
            )

    def status_request(self) -> Any:
        return wire.GetModelStatusRequest(model_spec=self.spec())

    def read_status(self, response: Any) -> list[VersionStatus]:
        """The versions in a GetModelStatusResponse, the newest first."""
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

    def spec(self, signature: str = "") -> Any:
        """The ModelSpec of a request."""
        return wire.model_spec(self.model_name, self.version, signature, self.label)


def _signature_for(negatives: Any, wishes: Any) -> str:
    if wishes is not None:
        return schema.RECOMMEND_SIGNATURE
    return schema.SERVING_SIGNATURE if negatives is None else schema.NEGATIVES_SIGNATURE


def _signature(proto: Any) -> Signature:
    def specs(infos: Any) -> dict[str, TensorSpec]:
        return {
            name: TensorSpec(wire.type_name(infos[name].dtype), wire.shape_of(infos[name].tensor_shape))
            for name in sorted(infos)
        }

    return Signature(specs(proto.inputs), specs(proto.outputs))
