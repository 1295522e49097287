"""Whom pictures are signed by: a certificate chain, its private key, and whether they can sign at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificates
from cryptography.x509.oid import NameOID

CURVES = {"es256": "secp256r1", "es384": "secp384r1", "es512": "secp521r1"}
RSA = ("ps256", "ps384", "ps512")
ALGORITHMS = (*CURVES, *RSA, "ed25519")
"""The signature algorithms of C2PA 2.x."""
MIN_RSA_BITS = 2048


class SigningError(Exception):
    """A picture that cannot be signed as it should be. The text names neither folders nor anything of the key."""


@dataclass(frozen=True)
class Credentials:
    """certificates: PEM, the signer's own first; key: PEM, PKCS #8; expires: when the first certificate of them does."""

    certificates: bytes
    key: bytes = field(repr=False)
    algorithm: str
    subject: str
    expires: datetime


def read_credentials(certificates: Path, key: Path, algorithm: str = "es256") -> Credentials:
    """Read PEM files that fit each other and are valid now. algorithm: one of ALGORITHMS. Raises SigningError."""
    if algorithm not in ALGORITHMS:
        raise SigningError(f"the signing algorithm {algorithm!r} is none of {', '.join(ALGORITHMS)}")
    chain = _chain(_read(certificates, "certificate"))
    private = _private_key(_read(key, "key"))
    _check_algorithm(private, algorithm)
    if _public(private) != _public(chain[0]):
        raise SigningError(
            "the signing key does not fit the first certificate of the chain, which is to be the signer's own"
        )
    _check_dates(chain, datetime.now(UTC))
    return Credentials(
        b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        algorithm,
        _name(chain[0]),
        min(one.not_valid_after_utc for one in chain),
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(
            f"the signing {what} cannot be read: {error.strerror or 'unknown error'}"
        ) from None


def _chain(data: bytes) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(data)
    except ValueError:
        raise SigningError("the signing certificate is not a chain of certificates in PEM") from None


def _private_key(data: bytes) -> PrivateKeyTypes:
    # The causes are dropped on purpose: nothing that a parser says of a key goes any further.
    try:
        return load_pem_private_key(data, password=None)
    except TypeError:
        raise SigningError("the signing key is encrypted; it has to be stored without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningError("the signing key is not a private key in PEM") from None


def _check_algorithm(key: PrivateKeyTypes, algorithm: str) -> None:
    if algorithm in CURVES:
        fits = isinstance(key, EllipticCurvePrivateKey) and key.curve.name == CURVES[algorithm]
        wanted = f"a key on the curve {CURVES[algorithm]}"
    elif algorithm in RSA:
        fits = isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS
        wanted = f"an RSA key of at least {MIN_RSA_BITS} bits"
    else:
        fits, wanted = isinstance(key, Ed25519PrivateKey), "an Ed25519 key"
    if not fits:
        raise SigningError(f"the signing key is of another kind than {algorithm} takes: {wanted}")


def _public(of: PrivateKeyTypes | Certificate) -> bytes:
    return of.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_dates(chain: Sequence[Certificate], now: datetime) -> None:
    for number, one in enumerate(chain, start=1):
        which = f"certificate {number} of the signing chain ({_name(one)})"
        if one.not_valid_after_utc < now:
            raise SigningError(f"{which} expired on {one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        if one.not_valid_before_utc > now:
            raise SigningError(f"{which} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _name(certificate: Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := certificate.subject.get_attributes_for_oid(kind):
            return str(found[0].value)
    return certificate.subject.rfc4514_string()
