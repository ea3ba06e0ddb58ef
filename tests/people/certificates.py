"""An authority of the tests' own, and what it certifies."""

import datetime as dt
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY: Final = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Certifies servers; nobody trusts it who has not been told to."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def certificate(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = self._of("Test authority", self.key.public_key(), ends=_DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return made.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())

    def written(self, directory: Path) -> Path:
        """The file by which others learn to trust it."""
        path = directory / "authority.pem"
        path.write_bytes(self.certificate().public_bytes(serialization.Encoding.PEM))
        return path

    def server(self, directory: Path, host: str, *, ends: dt.timedelta = _DAY) -> ssl.SSLContext:
        """What a server of this name needs to answer by https; `ends` before now, it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._of(host, key.public_key(), ends=ends).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = directory / "server.pem"
        signed = made.sign(self.key, hashes.SHA256())
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _of(self, subject: str, key: ec.EllipticCurvePublicKey, *, ends: dt.timedelta) -> x509.CertificateBuilder:
        now, own = dt.datetime.now(dt.UTC), self.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("Test authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * _DAY)
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
        )
