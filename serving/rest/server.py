"""The HTTP server (uvicorn) in a thread of its own."""

import logging
import socket
import threading
from typing import Any, Final

import uvicorn

from serving.certificates import Certificates
from serving.errors import ServerStartError
from serving.rest.patience import PatientProtocol, QuietWarnings

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 10.0
# Connections that may be open; more get status 503.
_MOST_CONNECTIONS: Final = 1024


class HttpServer:
    """Listens from `start` to `stop`.

    Args:
        asgi: The application.
        host: Address to listen on.
        port: 0 picks a free one, see `port` after `start`.
        certificates: For TLS; None serves without.
    """

    def __init__(self, asgi: Any, host: str, port: int, certificates: Certificates | None) -> None:
        self.host = host
        self.port = port
        self._certificates = certificates
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        config = uvicorn.Config(
            asgi,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=64 * 1024,
            http=PatientProtocol,
            ws="none",
        )
        config.load()
        uvicorn_logger = logging.getLogger("uvicorn.error")
        if not any(isinstance(each, QuietWarnings) for each in uvicorn_logger.filters):
            uvicorn_logger.addFilter(QuietWarnings())
        if certificates is not None:
            config.ssl = certificates.for_http()
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self._certificates is None else 'https'}://{host}:{self.port}"

    @property
    def has_died(self) -> bool:
        """Whether it has ended, and nobody has stopped it."""
        return self._ended.is_set() and not self._stopping.is_set()

    def start(self) -> None:
        """Listens.

        Raises:
            ServerStartError: The address cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # By the name of the protocol asyncio knows that small packets are not to wait (TCP_NODELAY).
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self.host, self.port))
            listening.listen(128)
        except OSError as error:
            listening.close()
            msg = (
                f"Cannot listen on {self.host}:{self.port} for HTTP ({error.strerror}): the port is in use, or the "
                "address is not one of this machine. Choose another with --rest-port (0 picks a free one) or --host."
            )
            raise ServerStartError(msg) from error
        self.port = int(listening.getsockname()[1])
        self._begin(self._run, listening)
        if self._certificates is not None:
            self._begin(self._refresh, self._certificates)

    def stop(self, grace_seconds: float) -> None:
        """Takes no more requests, and gives those that run a while."""
        self._stopping.set()
        self._server.config.timeout_graceful_shutdown = max(int(grace_seconds), 0)
        self._server.should_exit = True
        for thread in self._threads:
            thread.join()

    def _run(self, listening: socket.socket) -> None:
        try:
            self._server.run(sockets=[listening])
        except Exception:
            logger.exception("The server for HTTP ended.")
        except SystemExit:  # of uvicorn where it cannot start, which has logged why
            pass
        finally:
            listening.close()
            self._ended.set()

    def _refresh(self, certificates: Certificates) -> None:
        # Handshakes of HTTP do not ask for new files, unlike those of gRPC.
        while not self._stopping.wait(_LOOK_SECONDS):
            certificates.refresh()

    def _begin(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, name="pnfrec-http", daemon=True)
        thread.start()
        self._threads.append(thread)
