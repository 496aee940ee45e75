"""What a server shows beside the model's own methods: TLS, tokens, health, reflection, metrics, logs, HTTP."""

import logging
from typing import Any

from serving.access import LetIn, Tokens
from serving.backlog import Backlog
from serving.call_log import AccessLog, ExposureLog
from serving.certificates import Certificates
from serving.health import Health
from serving.methods import ModelMethods
from serving.metrics import Metrics, Versions
from serving.observe import Observer
from serving.records import Watchers
from serving.reflection import Reflection
from serving.rest.app import RestApp
from serving.rest.calls import Calls
from serving.rest.page import page_routes
from serving.rest.server import HttpServer
from serving.settings import ServerSettings

logger = logging.getLogger(__name__)


class Faces:
    """The faces of one server.

    Args:
        settings: Which there are.
        versions: Tells the version of each model that serves, None while there is none. Probes are told that the server
            is ready once each has one. The page shows the first.

    Attributes:
        metrics: A `serving.observe.Observer` for the batches of the server.
        app: What answers over HTTP, once it is wanted and made.
        http: The server of it.

    Raises:
        ServerStartError: Certificates, tokens or logs cannot be used.
    """

    def __init__(self, settings: ServerSettings, versions: Versions) -> None:
        self._settings = settings
        self._versions = versions
        self._certificates = Certificates(settings.tls) if settings.tls.cert else None
        self._tokens = Tokens(settings.token_file) if settings.token_file else None
        self.logs = _logs(settings)
        self.metrics = Metrics(versions)
        self._watchers = Watchers([self.metrics, *self.logs])
        self.health = Health(lambda: None not in versions().values())
        self._reflection = Reflection()
        self.app: RestApp | None = None
        self.http: HttpServer | None = None
        if not settings.is_local and (self._certificates is None or self._tokens is None):
            lacking = [
                name for name, there in (("TLS", self._certificates), ("a token", self._tokens)) if there is None
            ]
            logger.warning(
                "Other machines reach %s without %s: set `tls` and `token_file`, or let a proxy stand before it.",
                settings.host,
                " and without ".join(lacking),
            )

    def handlers(self, services: Any, observer: Observer, backlog: Backlog) -> list[Any]:
        """What grpc.aio.Server.add_generic_rpc_handlers takes: of the model, of probes and of reflection.

        Args:
            services: `serving.service.ModelServices`.
            observer: Is told of messages that cannot be read.
            backlog: Tells whether too many calls wait before the methods.
        """
        methods = ModelMethods(services, self._watchers, observer, backlog, self._tokens)
        others = self._reflection.handlers()
        if self._tokens is not None:
            others = [LetIn(handler, self._tokens) for handler in others]
        # Probes of an orchestrator send no token, and learn no more than whether the server is ready.
        return [methods, self.health.handler(), *others]

    def add_port(self, server: Any, address: str) -> int:
        """Lets a grpc.aio.Server listen; 0 or a RuntimeError where it cannot."""
        if self._certificates is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, self._certificates.for_grpc()))

    def start(self, services: Any) -> None:
        """Opens the port for HTTP, if there is to be one.

        Args:
            services: `serving.service.ModelServices`, which answers there too.

        Raises:
            ServerStartError: The address cannot be listened on.
        """
        settings = self._settings
        if settings.rest.port is None:
            return
        calls = Calls(services, self._watchers)
        most = settings.limits.max_concurrent
        self.app = app = RestApp(settings.rest, calls, self.metrics, self._is_ready, self._tokens, most)
        if settings.rest.page:
            app.add(page_routes(app, calls, settings, lambda: self._versions()[settings.model_name]))
        self.http = HttpServer(app.asgi, settings.host, settings.rest.port, self._certificates)
        self.http.start()

    @property
    def has_died(self) -> bool:
        """Whether the port for HTTP has ended, and nobody has stopped it."""
        return self.http is not None and self.http.has_died

    def stop_soon(self) -> None:
        """From now on probes are told that nothing is served, so that balancers look elsewhere."""
        self.health.stop()

    def stop(self, grace_seconds: float) -> None:
        """Ends the port for HTTP."""
        self.health.stop()
        if self.http is not None:
            self.http.stop(grace_seconds)

    def close(self) -> None:
        """Ends the logs, once no call is told to them any more."""
        for log in self.logs:
            log.close()

    def _is_ready(self) -> bool:
        return self.health.status() == "SERVING"


def _logs(settings: ServerSettings) -> list[AccessLog | ExposureLog]:
    log = settings.log
    kinds: list[tuple[str, type[AccessLog | ExposureLog]]] = [(log.access, AccessLog), (log.exposure, ExposureLog)]
    return [kind(path, log.max_bytes, log.backups) for path, kind in kinds if path]
