"""Certificates that are made here and trusted nowhere else: for https on the loopback interface, and for an app."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local.serving import LOOPBACK

LIFETIME = timedelta(days=1)


def make_certificate(name: str) -> tuple[str, str]:
    """A new self-signed certificate and its private key, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """The same in two files, as uvicorn wants them: the certificate, which clients trust, and the key."""
    certificate, key = make_certificate(LOOPBACK)
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_text(certificate)
    key_file.touch(mode=0o600)
    key_file.write_text(key)
    return certificate_file, key_file
