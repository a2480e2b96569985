from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """An authority, and a certificate for 127.0.0.1 that it signed; PEM files."""

    authority: Path
    certificate: Path
    key: Path
    both: Path
    """Certificate and key in one file, as mongod wants them."""


def make(folder: Path) -> Certificates:
    """Write keys of RSA: MySQL 8.0.15 offers no cipher for elliptic curves."""
    authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    found = Certificates(*(folder / name for name in ("ca.pem", "cert.pem", "key.pem", "both.pem")))
    authority = _signed(authority_key, "an authority", authority_key, "an authority", is_ca=True)
    certificate = _signed(key, "a server", authority_key, "an authority", is_ca=False)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    found.authority.write_bytes(authority)
    found.certificate.write_bytes(certificate)
    found.key.write_bytes(private)
    found.both.write_bytes(certificate + private)
    return found


def _signed(
    key: rsa.RSAPrivateKey,
    name: str,
    issuer_key: rsa.RSAPrivateKey,
    issuer: str,
    *,
    is_ca: bool,
) -> bytes:
    now = datetime.now(UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
