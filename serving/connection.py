"""How a client reaches its server: certificates, token, and the options of the channel."""

import dataclasses
import logging
import math
import os
import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from serving import wire
from serving.file_changes import Followed
from serving.retries import Retries

logger = logging.getLogger(__name__)

# What a header carries as it is: printable ASCII, but for blanks and the sign of the encoding itself.
_PLAIN: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_SCHEMES: Final = ("http://", "https://", "grpc://")
_LOCAL: Final = ("localhost:", "127.", "[::1]:", "unix:")
_NAME: Final = re.compile(r"[a-z0-9._-]+")
# What a request is called by in the server's log, and how it is let in.
REQUEST_ID: Final = "x-request-id"
AUTHORIZATION: Final = "authorization"
# Whom a request is for: by it users are split between the version that serves and the canary.
USER_KEY: Final = "x-pnfrec-user"


# The bytes of the certificates that sign the server's, of the client's key and of its certificate; None: not given.
Pem = tuple[bytes | None, bytes | None, bytes | None]


@dataclasses.dataclass(frozen=True)
class TlsFiles:
    """PEM files for a connection with TLS.

    Attributes:
        ca: Certificates that the server's must be signed by; None takes those that grpc brings along.
        cert: The client's own certificate, for servers that ask for one (mutual TLS).
        key: The private key of `cert`.
        server_name: The name that the server's certificate must bear; "" takes that of the target.
    """

    ca: str | os.PathLike[str] | None = None
    cert: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    server_name: str = ""

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            given, lacking = ("cert", "key") if self.key is None else ("key", "cert")
            msg = (
                f"`{given}` and `{lacking}` belong together: a certificate and its private key. `{lacking}` is missing."
            )
            raise ValueError(msg)

    def credentials(self) -> Any:
        """The grpc.ChannelCredentials.

        Raises:
            OSError: A file cannot be read.
            ValueError: A file does not hold what it should.
        """
        return grpc.ssl_channel_credentials(*self.read())

    def read(self) -> "Pem":
        """What the files hold now.

        Raises:
            OSError, ValueError: As `credentials`.
        """
        return (read_pem(self.ca, "CERTIFICATE"), read_pem(self.key, "PRIVATE KEY"), read_pem(self.cert, "CERTIFICATE"))


@dataclasses.dataclass(frozen=True)
class Connection:
    """All that both clients share about how they reach the server; `RecommenderClient` says what each means."""

    target: str
    credentials: Any = None
    token: str | None = None
    metadata: Sequence[tuple[str, str | bytes]] = ()
    timeout: float = 5.0
    wait_for_ready: bool = False
    retries: Retries = Retries()  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        self.seconds(None)
        if not self.target or self.target.startswith(_SCHEMES):
            msg = f"`target` must be host:port, without a scheme such as http://. Received: {self.target!r}."
            raise ValueError(msg)
        # gRPC would tell of these by an error that holds all headers, and with them the token.
        if self.token is not None and not _is_token(self.token):
            msg = "`token` must be of letters, digits and signs of ASCII, without blanks. It is not shown here."
            raise ValueError(msg)
        for name, value in self.metadata:
            if not _is_header(name, value):
                msg = f"The pair {name!r} of `metadata` cannot be sent: names are in lower case, and their values "
                raise ValueError(msg + "printable ASCII, or bytes where the name ends in -bin. The value is not shown.")
        if self.token is not None and self.credentials is None and not self.is_local:
            logger.warning(
                "The token for %s goes over the network as readable text. Give `credentials`, or `--tls`.", self.target
            )

    @property
    def is_local(self) -> bool:
        """Whether the target is on this machine."""
        return self.target.startswith(_LOCAL)

    def follow(self) -> Followed[Pem] | None:
        """What the files of the credentials hold; None where they are no `TlsFiles`.

        Raises:
            OSError, ValueError: As `TlsFiles.credentials`.
        """
        files = self.credentials
        if not isinstance(files, TlsFiles):
            return None
        paths = [path for path in (files.ca, files.key, files.cert) if path is not None]
        return Followed(paths, files.read, f"The certificates for {self.target} stay as they were")

    def open(self, module: Any, pem: Pem | None) -> Any:
        """A channel of `grpc`, or of `grpc.aio`.

        Args:
            module: Which.
            pem: What the files of the credentials hold, as of `follow`.
        """
        options: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", wire.MAX_MESSAGE_BYTES),
            # A restarted server is found again within two seconds instead of gRPC's two minutes.
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2000),
        ]
        if self.is_local:
            # gRPC would send even these through the proxy that the environment names.
            options.append(("grpc.enable_http_proxy", 0))
        if self.credentials is None:
            return module.insecure_channel(self.target, options=options)
        credentials = self.credentials
        if isinstance(credentials, TlsFiles):
            if credentials.server_name:
                options.append(("grpc.ssl_target_name_override", credentials.server_name))
            credentials = grpc.ssl_channel_credentials(*(pem or credentials.read()))
        return module.secure_channel(self.target, credentials, options=options)

    def seconds(self, timeout: float | None) -> float:
        """Seconds that a call may take: its own, or those of the client.

        Raises:
            ValueError: There are none, or there is no end of them.
        """
        seconds = self.timeout if timeout is None else timeout
        if not 0 < seconds < math.inf:
            msg = f"`timeout` must be a finite number of seconds above 0. Received: {seconds!r}."
            raise ValueError(msg)
        return seconds

    def headers(self, user_key: str | None = None) -> list[tuple[str, str | bytes]]:
        """Metadata of a call.

        Args:
            user_key: Whom it is for. What a header cannot carry is percent-encoded, as in a URL.

        Raises:
            TypeError: It is no text.
        """
        if user_key is not None and not isinstance(user_key, str):
            msg = f"`user_key` must be a text. Received: {user_key!r}."
            raise TypeError(msg)
        own = [] if self.token is None else [(AUTHORIZATION, f"Bearer {self.token}")]
        user = [(USER_KEY, urllib.parse.quote(user_key, safe=_PLAIN))] if user_key else []
        return [*own, *user, *self.metadata]


def _is_token(text: str) -> bool:
    """Whether a header can carry it behind a word and a blank."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _is_header(name: str, value: str | bytes) -> bool:
    """Whether gRPC sends a pair."""
    if not _NAME.fullmatch(name):
        return False
    if name.endswith("-bin"):
        return isinstance(value, bytes)
    return isinstance(value, str) and value.isascii() and value.isprintable()


def read_pem(path: str | os.PathLike[str] | None, kind: str) -> bytes | None:
    """The bytes of a PEM file; None where no file is named.

    Args:
        path: The file.
        kind: What it has to hold, as its first line calls it: "CERTIFICATE" or "PRIVATE KEY".

    Raises:
        OSError: It cannot be read.
        ValueError: It holds nothing of that kind.
    """
    if path is None:
        return None
    content = Path(path).read_bytes()
    # A key may be an `RSA PRIVATE KEY` or an `EC PRIVATE KEY` as well.
    if not any(line.startswith(b"-----BEGIN ") and kind.encode() in line for line in content.splitlines()):
        msg = f"{path}: expected a PEM file with `-----BEGIN {kind}-----`. Received a file without such a line."
        raise ValueError(msg)
    return content


def read_token(path: str | os.PathLike[str]) -> str:
    """The token of a file: its first line that is neither empty nor a remark (`#`).

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no token, or one that no header can carry.
    """
    return read_tokens(path)[0]


def read_tokens(path: str | os.PathLike[str]) -> list[str]:
    """The tokens of a file, one a line; empty lines and remarks (`#`) are passed over.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no token, or one that no header can carry. The message never holds a token.
    """
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path}: a token is of letters, digits and signs of ASCII, one a line. Received: other bytes."
        raise ValueError(msg) from error
    found = {number: line.strip() for number, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#"}
    for number, token in found.items():
        if not _is_token(token):
            msg = f"{path}, line {number}: a token has no blanks and no unprintable signs. Write one a line."
            raise ValueError(msg)
    if not found:
        msg = f"{path}: holds no token. Write one a line, such as what `openssl rand -hex 32` prints."
        raise ValueError(msg)
    return list(found.values())
