"""The server's certificates, read again when their files change, so that a renewal needs no restart."""

import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from serving.connection import read_pem
from serving.errors import ServerStartError
from serving.file_changes import Followed
from serving.settings import TlsSettings
from serving.validity import why_invalid

logger = logging.getLogger(__name__)


class Certificates:
    """The certificate files of a server. Handshakes after a change of the files use the new ones.

    Args:
        settings: With `cert` and `key`.

    Raises:
        ServerStartError: A file cannot be read or is not what it should be, or the key is another certificate's.
    """

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        files = (settings.cert, settings.key, settings.client_ca)
        try:
            self._files = Followed(files, self._read, "The new certificates cannot be used, the old ones stay")
        except (OSError, ValueError) as error:
            msg = f"The server cannot use its certificates: {error}"
            raise ServerStartError(msg) from error
        self._of_grpc = self._files.held.of_grpc

    def for_grpc(self) -> Any:
        """grpc.ServerCredentials that ask for the present files at each handshake."""
        return grpc.dynamic_ssl_server_credentials(
            self._of_grpc, self._changed, require_client_authentication=bool(self._settings.client_ca)
        )

    def for_http(self) -> ssl.SSLContext:
        """The context for an HTTP server: each handshake is made with the files that `refresh` has read last."""
        front = _Front(ssl.PROTOCOL_TLS_SERVER)
        front.newest = lambda: self._files.held.of_http
        return front

    def refresh(self) -> bool:
        """Reads the files if they changed; whether they did. Files that cannot be used change nothing but the log."""
        if not self._files.refresh():
            return False
        logger.info("Read the certificates anew: %s.", self._settings.cert)
        return True

    def _changed(self) -> Any:
        """What gRPC asks at a handshake: the new configuration, or None where it has it already.

        Who else asked for new files may have read them first, as the port for HTTP does every few seconds.
        """
        self.refresh()
        with self._lock:
            newest = self._files.held.of_grpc
            if self._of_grpc is newest:
                return None
            self._of_grpc = newest
            return newest

    def _read(self) -> "_Made":
        settings = self._settings
        context = self._new_context()  # tells whether the files are whole and belong together
        if why := why_invalid(settings.cert, settings.key):
            logger.warning("%s %s: clients that check it will not connect. Put a new one there.", settings.cert, why)
        chain, key = read_pem(settings.cert, "CERTIFICATE"), read_pem(settings.key, "PRIVATE KEY")
        clients = read_pem(settings.client_ca or None, "CERTIFICATE")
        return _Made(grpc.ssl_server_certificate_configuration([(key, chain)], clients), context)

    def _new_context(self) -> ssl.SSLContext:
        settings = self._settings
        for path in (settings.cert, settings.key):
            Path(path).read_bytes()  # an error that names the file, unlike that of ssl
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # From Python 3.13 on it would refuse certificates of clients that gRPC takes on the other port.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            context.load_cert_chain(settings.cert, settings.key, password=_no_password)
        except ssl.SSLError as error:
            msg = f"{settings.cert} and {settings.key} are not a certificate and its private key ({error.reason})."
            raise ValueError(msg) from error
        if settings.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(settings.client_ca)
            except ssl.SSLError as error:
                msg = f"{settings.client_ca} holds no certificate ({error.reason})."
                raise ValueError(msg) from error
        return context


class _Made(NamedTuple):
    """What was made of the files, for each face."""

    of_grpc: Any
    of_http: ssl.SSLContext


class _Front(ssl.SSLContext):
    """Hands each handshake to the context that was made last.

    New files are never loaded into a context in use, which would be without a key for a moment. And a session belongs
    to its context: nobody goes on with one that began before `client_ca` changed, and is not asked for a certificate.

    Attributes:
        newest: Tells that context.
    """

    newest: Callable[[], ssl.SSLContext]

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """What event loops call for each connection."""
        return self.newest().wrap_bio(*arguments, **named)


def _no_password() -> str:
    # Else OpenSSL would ask at the terminal.
    msg = "the private key is locked by a password. Write it without one, readable by the server's user only."
    raise ValueError(msg)
