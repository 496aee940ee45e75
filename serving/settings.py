"""Every setting of `pnfrec serve`, and the YAML file and options that they come from.

Only the standard library is imported here, so that the command's help answers at once.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from pnfrec_core.settings.fields import EXAMPLE
from serving.limits import Limits

DEFAULT_PORT: Final = 8500
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_MODEL_NAME: Final = "pnfrec"
_FORBID: Final[dict[str, Any]] = {"extra": "forbid"}
_MOST_PORT: Final = 65535
_LOCAL_HOSTS: Final = ("localhost", "::1")


@dataclasses.dataclass(frozen=True)
class TlsSettings:
    """Certificates, as PEM files, for gRPC and REST alike. They are read again when they change.

    Attributes:
        cert: The server's certificate, with those that lead to its signer after it; "" serves without TLS.
        key: The private key of the server's certificate.
        client_ca: Certificates that those of clients must be signed by; "" asks clients for none.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    cert: str = ""
    key: str = ""
    client_ca: str = ""

    def __post_init__(self) -> None:
        if bool(self.cert) != bool(self.key):
            lacking = "key" if self.cert else "cert"
            msg = f"`tls.cert` and `tls.key` belong together, and `tls.{lacking}` is missing."
            raise ValueError(msg)
        if self.client_ca and not self.cert:
            msg = "`tls.client_ca` asks clients for certificates, which needs `tls.cert` and `tls.key` of the server."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class RestSettings:
    """The port for HTTP: predictions in JSON, probes and metrics.

    Attributes:
        port: Port of HTTP, on the same host as gRPC; 0 picks a free one, null opens none.
        max_body_bytes: Bytes of a request over HTTP; a longer one is refused before it is read.
        timeout_seconds: Seconds until a request over HTTP gets status 504.
        page: Whether a page to look at recommendations is shown at `/` of that port.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    port: int | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    timeout_seconds: float = 10.0
    page: bool = False

    def __post_init__(self) -> None:
        if self.port is not None:
            _check_between("rest.port", self.port, 0, _MOST_PORT)
        _check_above("rest.max_body_bytes", self.max_body_bytes)
        _check_above("rest.timeout_seconds", self.timeout_seconds)
        if self.page and self.port is None:
            msg = "`rest.page` needs a port to be shown at. Set `rest.port`, such as 8501."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class LogSettings:
    """Files with a line of JSON a call. A file that is full is moved aside: `access.jsonl.1` is the youngest old one.

    Attributes:
        access: File with a line a call: time, request id, method, model, signature, rows, status, milliseconds and
            version; "" writes none.
        exposure: File with a line a call that was answered with lists: the ids shown, with the version; "" writes none.
        max_bytes: A log of calls is moved aside before it becomes longer.
        backups: Old files that are kept of each log of calls.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    access: str = ""
    exposure: str = ""
    max_bytes: int = 50_000_000
    backups: int = 5

    def __post_init__(self) -> None:
        _check_above("log.max_bytes", self.max_bytes)
        _check_above("log.backups", self.backups)
        both = self.access and self.exposure
        if both and os.path.abspath(self.access) == os.path.abspath(self.exposure):
            msg = f"`log.access` and `log.exposure` must be two files. Received for both: {self.access!r}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class VersionSettings:
    """Which versions are loaded, beside those that `pnfrec models` has pinned or labelled. Bad ones never are.

    Attributes:
        latest: How many of the newest versions are loaded; the newest answers whoever asks for none. 0 loads all.
        specific: Only these versions are loaded; the greatest answers whoever asks for none. Empty goes by `latest`.
        canary_share: Share of the users, by the key of the request, who get the version labelled `canary` where they
            ask for none. The others get the pinned version, or else the one labelled `stable`, or the newest.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    latest: int = 1
    specific: list[int] = dataclasses.field(default_factory=list)
    canary_share: float = 0.0

    def __post_init__(self) -> None:
        if self.latest < 0:
            msg = f"`versions.latest` must be 0, for all, or more. Received: {self.latest!r}."
            raise ValueError(msg)
        if any(version < 0 for version in self.specific):
            msg = f"`versions.specific` must hold versions, which are 0 or more. Received: {self.specific!r}."
            raise ValueError(msg)
        if not 0 <= self.canary_share <= 1:
            msg = f"`versions.canary_share` must be a share from 0 to 1. Received: {self.canary_share!r}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """Everything about one server. Relative paths in a file count from that file.

    Attributes:
        base: The folder that the pipeline pushes to: `<base>/<version>/`. Versions may arrive later.
        model_config_file: Or a file that names several models, each with its folder and versions: a models.config in
            TensorFlow Serving's text form. It is read again when it changes.
        model_name: What requests have to name.
        port: Port of gRPC; 0 picks a free one.
        host: Address to listen on. The default is reachable from this machine only, "0.0.0.0" from everywhere.
        poll_seconds: Time between two looks for a new version.
        workers: Threads for large requests, if more than `limits.max_concurrent`.
        token_file: File of tokens, one a line, any of which lets a client in; "" lets everybody in. It is read again
            when it changes.
        versions: Which versions are loaded.
        limits: What the server takes at once.
        tls: Certificates.
        rest: The port for HTTP.
        log: Lines a call.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    base: str = dataclasses.field(default="", metadata={EXAMPLE: "runs/my-data/serving"})
    model_config_file: str = ""
    model_name: str = DEFAULT_MODEL_NAME
    port: int = DEFAULT_PORT
    host: str = DEFAULT_HOST
    poll_seconds: float = 2.0
    workers: int | None = None
    token_file: str = ""
    versions: VersionSettings = dataclasses.field(default_factory=VersionSettings)
    limits: Limits = dataclasses.field(default_factory=Limits)
    tls: TlsSettings = dataclasses.field(default_factory=TlsSettings)
    rest: RestSettings = dataclasses.field(default_factory=RestSettings)
    log: LogSettings = dataclasses.field(default_factory=LogSettings)

    def __post_init__(self) -> None:
        if not self.base and not self.model_config_file:
            msg = "`base` is missing or empty: name the folder of the versions, or several by `model_config_file`."
            raise ValueError(msg)
        if self.model_config_file:
            self._check_models()
        for key in ("model_name", "host"):
            if not getattr(self, key):
                msg = f"`{key}` is empty."
                raise ValueError(msg)
        _check_between("port", self.port, 0, _MOST_PORT)
        _check_above("poll_seconds", self.poll_seconds)
        if self.workers is not None:
            _check_above("workers", self.workers)
        if self.port and self.port == self.rest.port:
            msg = f"`port` and `rest.port` must differ. Received for both: {self.port}."
            raise ValueError(msg)

    def _check_models(self) -> None:
        versions = self.versions
        own = {"base": self.base, "versions.latest": versions.latest != 1, "versions.specific": versions.specific}
        own["model_name"] = self.model_name != DEFAULT_MODEL_NAME
        for key, given in own.items():
            if given:
                msg = f"`{key}` stands in the file that `model_config_file` names, for each model. Give one of both."
                raise ValueError(msg)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in _LOCAL_HOSTS or self.host.startswith("127.")


def load_settings(path: Path | None, given: Mapping[str, Any], overrides: Sequence[str] = ()) -> ServerSettings:
    """The settings of a file, of options over it, and of `key=value` over both.

    Args:
        path: A YAML file; None takes the defaults.
        given: Path of a key, such as `limits.max_rows`, to its value on the command line.
        overrides: Further `key=value`.

    Raises:
        pnfrec_core.settings.errors.ConfigError: A key is unknown, missing, or has a value that cannot be used.
    """
    from pnfrec_core.settings import load
    from pnfrec_core.settings.overrides import apply_override

    values = {} if path is None else load.read_mapping(path, "settings of a server")
    if path is not None:
        _count_from(path.parent, values)
    for key, value in given.items():
        *sections, name = key.split(".")
        holder = values
        for section in sections:
            if not isinstance(holder.setdefault(section, {}), dict):
                holder[section] = {}
            holder = holder[section]
        holder[name] = value
    for override in overrides:
        apply_override(values, override)
    return load.validate(values, path or Path("pnfrec serve"), ServerSettings, "settings of the server")


# Keys that name a file or a folder.
_PATHS: Final = (
    ("base",),
    ("model_config_file",),
    ("token_file",),
    ("tls", "cert"),
    ("tls", "key"),
    ("tls", "client_ca"),
    ("log", "access"),
    ("log", "exposure"),
)


def _count_from(folder: Path, values: dict[str, Any]) -> None:
    """Makes the paths of a file count from its folder."""
    for *sections, name in _PATHS:
        holder: Any = values
        for section in sections:
            holder = holder.get(section) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(path := holder.get(name), str) and path:
            holder[name] = str(folder / path)


def _check_above(key: str, value: float) -> None:
    if not 0 < value < float("inf"):
        msg = f"`{key}` must be above 0. Received: {value!r}."
        raise ValueError(msg)


def _check_between(key: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        msg = f"`{key}` must be from {least} to {most}. Received: {value!r}."
        raise ValueError(msg)
