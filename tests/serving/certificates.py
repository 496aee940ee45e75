"""Certificates for tests, made when they are needed."""

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Pair(NamedTuple):
    """A certificate and its private key, as PEM files."""

    cert: Path
    key: Path


def make(
    folder: Path,
    name: str,
    signer: Pair | None = None,
    hosts: tuple[str, ...] = ("127.0.0.1",),
    hours: tuple[int, int] = (-24, 24),
) -> Pair:
    """A certificate of `hosts`, valid between `hours` from now.

    Without a signer it is one that signs others, and itself.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = key if signer is None else serialization.load_pem_private_key(signer.key.read_bytes(), None)
    signing = own if signer is None else x509.load_pem_x509_certificate(signer.cert.read_bytes()).subject
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [_alternative(host) for host in hosts]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(signing)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(hours=hours[0]))
        .not_valid_after(now + datetime.timedelta(hours=hours[1]))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, signer is None, False, False, False), critical=True
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # Python 3.13 asks for these two, and for the use of a key.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)  # type: ignore[arg-type]
        .sign(signing_key, hashes.SHA256())  # type: ignore[arg-type]
    )
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, no_password))
    return pair


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
