"""A gRPC server for machines without the tensorflow/serving image: `pnfrec serve` or `python -m serving.server`."""

import dataclasses
import functools
import gc
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from serving import descriptors, observe
from serving.backlog import Backlog
from serving.batching import Batcher
from serving.errors import ServerDiedError, ServerStartError
from serving.faces import Faces
from serving.grpc_server import GrpcServer
from serving.limits import Limits
from serving.model_config import ModelConfigFile
from serving.policy import Policy
from serving.service import ModelServices
from serving.settings import DEFAULT_HOST, DEFAULT_MODEL_NAME, DEFAULT_PORT, ServerSettings
from serving.signals import Signals
from serving.slots import Load, Servable
from serving.versions import VersionWatcher

logger = logging.getLogger(__name__)


def load_model(path: Path, version: int, batcher: Batcher | None = None, limits: Limits = Limits()) -> Servable:  # noqa: B008
    """Reads a SavedModel. TensorFlow is imported here, so that a port in use shows before that takes its seconds."""
    # By default TensorFlow takes all memory of a GPU, which a training beside the server needs.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from serving.model import LoadedModel

    _freeze_once()
    return LoadedModel(path, version, batcher, limits)


@functools.cache
def _freeze_once() -> None:
    """Lets the garbage collector pass over the 400,000 objects of TensorFlow, which stay anyway, and look less often.

    Else each full collection, which a new version brings about, would stop every request for half a second.
    """
    gc.collect()
    gc.freeze()
    # Under load it would look for cycles every few calls, at Python's 700. Of 20,000 at once a call waits 30 ms.
    gc.set_threshold(2_000, 10, 10)


class RecommenderServer:
    """A running server over `base_path`.

    Args:
        base_path: Holds `<version>/saved_model.pb`; versions may arrive later.
        port: 0 picks a free one, see `port` after `start`.
        host: Address to listen on. The default is reachable from this machine only; "0.0.0.0" from everywhere.
        model_name: What requests have to name.
        poll_seconds: Time between two looks at the folder.
        workers: Threads that large requests wait in, if more than the `max_concurrent` of `limits`.
        load: Makes a servable of a version's folder; None loads SavedModels.
        limits: What it takes at once.
        observer: Is told of runs of the model, of what waits, and of what is refused, beside the metrics.
        on_change: Is told which version serves from now on, None where none does.
        settings: TLS, tokens, logs and HTTP; where the arguments above say the same, they count.

    Raises:
        ServerStartError: Certificates, tokens or logs of the settings cannot be used.
    """

    def __init__(
        self,
        base_path: str | Path,
        port: int = DEFAULT_PORT,
        host: str = DEFAULT_HOST,
        model_name: str = DEFAULT_MODEL_NAME,
        poll_seconds: float = 2.0,
        workers: int | None = None,
        load: Load | None = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        observer: observe.Observer = observe.NoObserver(),  # noqa: B008 (without a state)
        on_change: Callable[[int | None], None] | None = None,
        settings: ServerSettings | None = None,
    ) -> None:
        settings = settings or ServerSettings(str(base_path))
        models = _models(settings, base_path, model_name)
        # Of several, the first.
        self.model_name, self.base_path = next((model.name, model.base) for model in models)
        self.host = host
        self.port = port
        settings = dataclasses.replace(
            settings,
            base=str(self.base_path),
            model_name=self.model_name,
            model_config_file="",
            host=host,
            limits=limits,
        )
        self.faces = Faces(settings, lambda: {name: versions.version for name, versions in self.models.items()})
        observer = observe.Observers((self.faces.metrics, observer))
        load = load or functools.partial(load_model, batcher=Batcher(limits, observer), limits=limits)
        self.models = {
            model.name: VersionWatcher(model.base, load, poll_seconds, on_change=on_change, policy=model.policy)
            for model in models
        }
        self._services = ModelServices(self.models, limits, observer, workers)
        backlog = Backlog(limits.max_concurrent)
        self._server = GrpcServer(self.faces.handlers(self._services, observer, backlog), backlog)

    @classmethod
    def of(cls, settings: ServerSettings, load: Load | None = None) -> "RecommenderServer":
        """The server that settings describe."""
        return cls(
            settings.base,
            settings.port,
            settings.host,
            settings.model_name,
            settings.poll_seconds,
            settings.workers,
            load,
            settings.limits,
            settings=settings,
        )

    @property
    def versions(self) -> VersionWatcher:
        """The versions of the model; of several models, those of the first."""
        return self.models[self.model_name]

    @property
    def address(self) -> str:
        """host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def start(self) -> None:
        """Listens, then loads the newest version if there is one.

        Raises:
            ServerStartError: The address cannot be listened on.
        """
        try:
            self._start()
        except BaseException:
            # Whoever goes on without this server finds no port of it open, and no folder of its own socket.
            self.stop(grace_seconds=0)
            raise

    def _start(self) -> None:
        # Both ports answer probes while the model loads.
        port = self._server.start(lambda server: self.faces.add_port(server, self.address))
        if not port:
            msg = (
                f"Cannot listen on {self.address}: the port is in use, or the address is not one of this machine. "
                "Choose another with --port (0 picks a free one) or --host."
            )
            raise ServerStartError(msg)
        self.port = int(port)
        self.faces.start(self._services)
        for versions in self.models.values():
            versions.start()

    def load_no_more(self) -> None:
        """No load of a version begins from now on, as before a stop. It takes no lock: a signal may call it."""
        for versions in self.models.values():
            versions.load_no_more()

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Takes no more requests, gives the running ones `grace_seconds` and unloads the model."""
        self.load_no_more()
        self.faces.stop_soon()
        stopped = self._server.stop(grace_seconds)
        self.faces.stop(grace_seconds)
        stopped.result()
        self.faces.close()
        for versions in self.models.values():
            versions.stop()
        self._services.close()


def serve(settings: ServerSettings, on_ready: Callable[[RecommenderServer], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT, or until its terminal closes, then stops gracefully.

    Args:
        settings: Everything about it.
        on_ready: Called once the server listens and has looked for a version.

    Raises:
        ServerStartError: The server cannot start as the settings say.
        ServerDiedError: The port for HTTP, where probes ask, ended by itself.
    """
    with Signals() as signals:
        descriptors.raise_limit()
        server = RecommenderServer.of(settings)
        signals.hurry = server.load_no_more
        if not signals.is_end:
            server.start()
        if on_ready is not None and not signals.is_end:
            on_ready(server)
        signals.wait_for_the_end(lambda: server.faces.has_died)
        has_died = server.faces.has_died
        server.stop()
    if has_died:
        msg = "The server for HTTP ended by itself; the log above says why. The server for gRPC was stopped too."
        raise ServerDiedError(msg)


class _Model(NamedTuple):
    """One model of a server, and what tells which of its versions are loaded."""

    name: str
    base: Path
    policy: Callable[[], Policy]


def _models(settings: ServerSettings, base: str | Path, name: str) -> list[_Model]:
    """The models of a server: those of its file, or the one of its settings."""
    chosen = settings.versions
    if not settings.model_config_file:
        policy = Policy(chosen.latest, tuple(chosen.specific), canary_share=chosen.canary_share)
        return [_Model(name, Path(base), lambda: policy)]
    file = ModelConfigFile(settings.model_config_file, chosen.canary_share)
    return [
        _Model(model.name, model.base, functools.partial(file.policy, model.name)) for model in file.models.values()
    ]


def describe(server: RecommenderServer) -> str:
    """One line for the user who started it."""
    if len(server.models) > 1:
        models = ", ".join(f"{name} (version {versions.version})" for name, versions in server.models.items())
        http = f" HTTP: {server.faces.http.url}." if server.faces.http is not None else ""
        return f"{server.address} serves {models}.{http}".replace("(version None)", "(no version yet)")
    version = server.versions.version
    http = f" HTTP: {server.faces.http.url}." if server.faces.http is not None else ""
    if version is None:
        return f"{server.address} is ready, but no version is loaded: waiting for one in {server.base_path}.{http}"
    return f"{server.address} serves {server.model_name}, version {version} of {server.base_path}.{http}"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of `python -m serving.server`: that of `pnfrec serve`."""
    from serving.commands import serve as command

    command.main(args=None if arguments is None else list(arguments), prog_name="python -m serving.server")


if __name__ == "__main__":
    main()
