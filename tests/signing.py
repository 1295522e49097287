"""A certificate authority of its own for tests of signed pictures, and reading what was signed."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = (timedelta(days=-1), timedelta(days=365))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption)


@dataclass
class Authority:
    """A root that readers trust, and an intermediate that certifies signers."""

    def __post_init__(self) -> None:
        self._root_key, self._key = new_key(), new_key()
        self.root = _certificate("Root", self._root_key, "Root", self._root_key, is_authority=True)
        self.intermediate = _certificate("Issuer", self._key, "Root", self._root_key, is_authority=True)

    def chain(
        self, key: Any, name: str = "Test studio", lifetime: tuple[timedelta, timedelta] = LIFETIME
    ) -> bytes:
        """PEM: a signer's certificate and the intermediate's."""
        own = _certificate(name, key, "Issuer", self._key, is_authority=False, lifetime=lifetime)
        return own.public_bytes(Encoding.PEM) + self.intermediate.public_bytes(Encoding.PEM)

    def clock(self, key: Any) -> x509.Certificate:
        """The certificate of a time-stamping service."""
        purpose = ExtendedKeyUsageOID.TIME_STAMPING
        return _certificate("Clock", key, "Issuer", self._key, is_authority=False, purpose=purpose)

    def read(self, data: bytes) -> dict[str, Any]:
        """The reader's report of a signed picture, with this authority's root as the one that is trusted."""
        trust = {"user_anchors": self.root.public_bytes(Encoding.PEM).decode()}
        settings = {"trust": trust, "verify": {"verify_trust": True, "remote_manifest_fetch": False}}
        kind = (
            "image/png"
            if data[:4] == b"\x89PNG"
            else "image/jpeg"
            if data[:2] == b"\xff\xd8"
            else "image/webp"
        )
        with (
            c2pa.Context(c2pa.Settings.from_dict(settings)) as context,
            c2pa.Reader(kind, io.BytesIO(data), context=context) as reader,
        ):
            return json.loads(reader.json())


@contextmanager
def time_stamping(authority: Authority, folder: Path) -> Iterator[str]:
    """The address of a time-stamping service (RFC 3161) that openssl answers for."""
    key = new_key()
    (folder / "clock.pem").write_bytes(authority.clock(key).public_bytes(Encoding.PEM))
    (folder / "clock.key").write_bytes(pem(key))
    (folder / "issuer.pem").write_bytes(authority.intermediate.public_bytes(Encoding.PEM))
    (folder / "serial").write_text("01")
    names = {
        "serial": folder / "serial",
        "signer_cert": folder / "clock.pem",
        "signer_key": folder / "clock.key",
        "certs": folder / "issuer.pem",
        "signer_digest": "sha256",
        "digests": "sha256,sha384,sha512",
        "default_policy": "1.2.3.4.1",
        "ess_cert_id_alg": "sha256",
    }
    lines = [
        "[tsa]",
        "default_tsa = clock",
        "[clock]",
        *(f"{name} = {value}" for name, value in names.items()),
    ]
    (folder / "clock.cnf").write_text("\n".join(lines) + "\n")

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            command = [
                "openssl",
                "ts",
                "-reply",
                "-config",
                folder / "clock.cnf",
                "-queryfile",
                folder / "query",
            ]
            answer = subprocess.run(command, capture_output=True, check=True).stdout
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def switch_on(settings: Any, folder: Path, chain: bytes, key: bytes) -> None:
    """Have the installation sign with these."""
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    settings.C2PA_CERTIFICATE, settings.C2PA_PRIVATE_KEY = str(folder / "chain.pem"), str(folder / "key.pem")


def assertions(report: dict[str, Any]) -> dict[str, Any]:
    """The data of the active manifest's assertions, by label."""
    manifest = report["manifests"][report["active_manifest"]]
    return {one["label"]: one["data"] for one in manifest["assertions"]}


def is_signed(data: bytes) -> bool:
    return c2pa.Reader.try_create("image/png", io.BytesIO(data)) is not None


def _certificate(
    name: str,
    key: Any,
    issuer: str,
    issuer_key: CertificateIssuerPrivateKeyTypes,
    *,
    is_authority: bool,
    lifetime: tuple[timedelta, timedelta] = LIFETIME,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + lifetime[0])
        .not_valid_after(now + lifetime[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **usage
            ),
            critical=True,
        )
    )
    if not is_authority:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([purpose]), critical=purpose == ExtendedKeyUsageOID.TIME_STAMPING
        )
    return builder.sign(issuer_key, SHA256())


def _named(name: str) -> x509.Name:
    names = (NameOID.ORGANIZATION_NAME, "Tests"), (NameOID.COMMON_NAME, name)
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in names])
