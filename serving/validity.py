"""Whether a certificate is valid now. Standard library only."""

import contextlib
import ssl
from typing import Final

# Of OpenSSL (X509_V_ERR_...).
_REASONS: Final = {9: "is not valid yet", 10: "has expired"}
# A handshake takes two or three.
_MOST_STEPS: Final = 10


def why_invalid(cert: str, key: str) -> str:
    """Why clients refuse a certificate by the clock; "" where they do not, or where that cannot be told.

    Python reads the dates of a peer's certificate only, so a client in memory, which trusts this very certificate,
    shakes hands with a server that has it.

    Args:
        cert: PEM file of the certificate, and of those that lead to its signer.
        key: PEM file of its private key.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    # The certificate itself may be trusted, without its signer.
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        server.load_cert_chain(cert, key)
        client.load_verify_locations(cert)
        _shake_hands(client, server)
    except ssl.SSLCertVerificationError as error:
        return _REASONS.get(error.verify_code, "")
    except ssl.SSLError:
        return ""
    return ""


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """As far as the client has looked at the certificate.

    Raises:
        ssl.SSLError: It does not take it.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server)
    answers = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_MOST_STEPS):
        try:
            asks.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            return
        with contextlib.suppress(ssl.SSLWantReadError):
            answers.do_handshake()
