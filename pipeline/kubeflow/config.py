"""Settings of a run on Kubeflow Pipelines."""

import dataclasses
import math
import posixpath
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Literal

from pipeline.beam_config import problem_of_runner

_FORBID: dict[str, Any] = {"extra": "forbid"}
# What Kubeflow's launcher mirrors into containers (`pipeline.kubeflow.uris`).
_ROOTS: Final = ("minio://", "s3://", "gs://")
# `HOST:PORT/path/name:tag@digest`, of which the name alone has to be there; the name is in small letters.
_IMAGE: Final = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
# What a volume in its place would hide from every node: the system, this project in the image of the Dockerfile, and
# the folders into which Kubeflow's launcher mirrors artifacts.
_HIDDEN: Final = (
    *("/bin", "/dev", "/etc", "/lib", "/lib64", "/opt", "/opt/pnfrec", "/proc", "/sbin", "/sys", "/usr", "/usr/bin"),
    *("/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/minio", "/s3", "/gcs"),
)
# The name of an object of Kubernetes.
_CLAIM: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclasses.dataclass(frozen=True)
class ResourcesConfig:
    """What a node gets. 0 asks for nothing, and sets no limit.

    Attributes:
        cpu: Cores.
        memory: Gigabytes (10^9 bytes).
        gpus: The number of accelerators.
        gpu_type: Their name as a resource of the cluster.
        image: The image of this node, such as one with CUDA; "" takes `kubeflow.image`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    cpu: float = 0.0
    memory: float = 0.0
    gpus: int = 0
    gpu_type: str = "nvidia.com/gpu"
    image: str = ""

    def __post_init__(self) -> None:
        for name in ("cpu", "memory", "gpus"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                msg = f"`{name}` of `kubeflow.resources` must be 0, for no limit, or more. Received: {value}."
                raise ValueError(msg)
        if self.gpus and not self.gpu_type:
            msg = (
                "`gpu_type` of `kubeflow.resources` is empty, and `gpus` asks for some: name them as the cluster does."
            )
            raise ValueError(msg)
        if self.image and (problem := _problem_of_image(self.image)):
            msg = f"`image` of `kubeflow.resources` {problem}"
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class KubeflowConfig:
    """Where and how `pnfrec kubeflow` has the pipeline run. No run on this machine reads any of it.

    Attributes:
        image: The image that the nodes run in, with this project installed: see `docs/guides/kubeflow.md`.
        feedback: The folder that the cluster has the feedback files in: what `feedback.base` is here. A path in one of
            the `volumes`, or a URI that Beam opens. "" keeps `feedback.base` where that is a URI.
        folder: The folder for what outlives a run: blessed models, training state, and the pushed versions. A path in
            one of the `volumes`.
        serving: The folder that models are pushed to; "" is `serving` below `folder`.
        volumes: What the nodes have mounted: names of PersistentVolumeClaims, each with the path that it is mounted at.
        root: The URI that artifacts are written below, such as minio://mlpipeline/v2/artifacts; "" is what the cluster
            is set to.
        spec: The version of the pipeline spec. Open-source Kubeflow runs 2.1; of 2.0 it refuses the parameters.
        cache: Whether nodes that neither read feedback nor look at earlier runs may take their last result. Kubeflow
            knows nothing of the code in an image: one that was built anew under the same name changes no cache key.
        retries: How often a node that failed is tried again, but for one that refuses data or a model.
        retry_seconds: How long until then; twice as long each time.
        fail_on_not_blessed: Whether a run fails where the gate refused the model. Else it ends as a success that pushed
            nothing.
        baselines: The number of blessed models that are kept.
        resources: What nodes get, by their name, such as `{SequenceTrainer: {gpus: 1}}`; `all` means those that are not
            named.
        beam: Beam's options there, such as `[--runner=DirectRunner]`; empty takes those of the section `beam`.
        host: The address of the API, such as http://localhost:8080.
        namespace: Of the user, where Kubeflow separates them; "" names none.
        experiment: The experiment that runs belong to; "" is the name of the pipeline.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    image: str = ""
    feedback: str = ""
    folder: str = "/pnfrec"
    serving: str = ""
    volumes: dict[str, str] = dataclasses.field(default_factory=dict)
    root: str = ""
    spec: Literal["2.1", "2.0"] = "2.1"
    cache: bool = False
    retries: int = 2
    retry_seconds: int = 60
    fail_on_not_blessed: bool = True
    baselines: int = 5
    resources: dict[str, ResourcesConfig] = dataclasses.field(default_factory=dict)
    beam: list[str] = dataclasses.field(default_factory=list)
    host: str = ""
    namespace: str = ""
    experiment: str = ""

    def __post_init__(self) -> None:
        for name, least in (("retries", 0), ("retry_seconds", 1), ("baselines", 1)):
            if getattr(self, name) < least:
                msg = f"`kubeflow.{name}` must be at least {least}. Received: {getattr(self, name)}."
                raise ValueError(msg)
        named = {"folder": self.folder, "serving": self.serving, **{f"volumes.{c}": p for c, p in self.volumes.items()}}
        for key, path in named.items():
            if (path or key != "serving") and not _is_plain(path):
                msg = (
                    f"`kubeflow.{key}` must be a path from the root of a node's file system, such as /pnfrec. "
                    f"Received: {path!r}."
                )
                raise ValueError(msg)
        if problem := next(self._problems(), ""):
            raise ValueError(problem)

    def _problems(self) -> Iterator[str]:
        if self.image and (problem := _problem_of_image(self.image)):
            yield f"`kubeflow.image` {problem}"
        if self.root and not (self.root.startswith(_ROOTS) and self.root.partition("://")[2].strip("/")):
            yield (
                f"`kubeflow.root` must be a URI that Kubeflow mirrors into containers ({', '.join(_ROOTS)}) with its "
                f"bucket, such as minio://mlpipeline/v2/artifacts. Received: {self.root!r}."
            )
        for claim, path in self.volumes.items():
            if not _CLAIM.fullmatch(claim):
                yield (
                    "`kubeflow.volumes`: Kubernetes takes small letters, digits, '-' and '.' for the name of a "
                    f"PersistentVolumeClaim. Received: {claim!r}."
                )
            if path.rstrip("/") in _HIDDEN:
                yield (
                    f"`kubeflow.volumes`: {claim} at {path} would hide what the image, or Kubeflow, has there. Mount "
                    "it at a path of its own, such as /data."
                )
            if twice := [other for other, at in self.volumes.items() if at == path and other != claim]:
                yield f"`kubeflow.volumes`: {claim} and {twice[0]} are both mounted at {path}. Give each a path."
        yield from _problems_of_options(self.beam)

    @property
    def serving_folder(self) -> str:
        """The folder that models are pushed to."""
        return self.serving or posixpath.join(self.folder, "serving")


def _is_plain(path: str) -> bool:
    return path.startswith("/") and posixpath.normpath(path) == path.rstrip("/") != ""


def _problem_of_image(image: str) -> str:
    """Why no registry has an image of such a name; "" where one may."""
    if _IMAGE.fullmatch(image):
        return ""
    return (
        "must be an image as a registry names it, such as registry.example.com/pnfrec:1, in small letters and with a "
        f"digest in full. Received: {image!r}."
    )


def _problems_of_options(options: list[str]) -> Iterator[str]:
    """What is wrong with Beam's options as words of a command line."""
    runners = []
    for before, word in zip(["", *options], options, strict=False):
        is_value = before.startswith("--") and "=" not in before
        if before == "--runner":
            runners.append(word)
        elif word.startswith("--runner="):
            runners.append(word.partition("=")[2])
        elif not word.startswith("--") and not is_value:
            yield f"`kubeflow.beam`: {word!r} is no option. Write each as a text such as --name=value."
    if options and not runners:
        yield (
            "`kubeflow.beam` names no runner, and Beam's own choice depends on its version. Add --runner=DirectRunner, "
            "or the one that you mean."
        )
    for runner in runners:
        yield from problem_of_runner(runner, "kubeflow.beam")
