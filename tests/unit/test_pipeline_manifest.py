"""Pictures are signed: what others read in them, what breaks the seal, and what cannot sign."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from creatives.pipeline.credentials import Credentials, SigningError, read_credentials
from creatives.pipeline.image_io import encode_jpeg, encode_png, encode_webp, open_image
from creatives.pipeline.manifest import ASSERTION, sign
from creatives.pipeline.provenance import Provenance, SourceType, read_provenance
from tests.signing import Authority, assertions, new_key, pem, time_stamping

MADE = Provenance(
    SourceType.COMPOSITE, "studio-tiny", "2-studio-tiny-28da4079", "12/3", "9223372036854775807"
)
PIXELS = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> tuple[Path, Path]:
    """A chain and the key that fits it."""
    key = new_key()
    return written(tmp_path, authority.chain(key), pem(key))


@pytest.fixture
def credentials(files: tuple[Path, Path]) -> Credentials:
    return read_credentials(*files)


def written(folder: Path, chain: bytes, key: bytes) -> tuple[Path, Path]:
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    return folder / "chain.pem", folder / "key.pem"


@pytest.mark.parametrize("encode", [encode_png, encode_jpeg, encode_webp])
def test_others_trust_what_was_signed_and_pixels_and_xmp_stay(
    encode: Callable[..., bytes], authority: Authority, credentials: Credentials
) -> None:
    plain = encode(PIXELS, xmp=MADE.xmp())
    signed = sign(plain, MADE, credentials)
    report = authority.read(signed)
    assert report["validation_state"] == "Trusted"
    assert np.array_equal(open_image(signed).rgb, open_image(plain).rgb)
    assert read_provenance(signed) == MADE
    assert sign(plain, MADE, credentials) != signed  # no two signatures are alike


def test_the_manifest_says_how_the_picture_was_made(authority: Authority, credentials: Credentials) -> None:
    report = authority.read(sign(encode_png(PIXELS, MADE.xmp()), MADE, credentials))
    said = assertions(report)
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert (action["action"], action["softwareAgent"]) == (
        "c2pa.created", {"name": "Product studio", "version": "2-studio-tiny-28da4079"},
    )  # fmt: skip
    assert action["digitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )
    assert said[ASSERTION] == {
        "profile": "studio-tiny", "pipeline_version": "2-studio-tiny-28da4079", "prompt_version": "12/3",
        "seed": "9223372036854775807",
    }  # fmt: skip
    signature = report["manifests"][report["active_manifest"]]["signature_info"]
    assert (signature["alg"], signature["common_name"]) == ("Es256", "Test studio")


def test_a_painting_alone_is_of_the_other_source_type(authority: Authority, credentials: Credentials) -> None:
    painted = Provenance(SourceType.PAINTED)
    said = assertions(authority.read(sign(encode_png(PIXELS, painted.xmp()), painted, credentials)))
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert "version" not in action["softwareAgent"]
    assert said[ASSERTION] == {}


def test_a_changed_pixel_breaks_the_seal(authority: Authority, credentials: Credentials) -> None:
    signed = sign(encode_png(PIXELS, MADE.xmp()), MADE, credentials)
    changed = PIXELS.copy()
    changed[20, 20, 0] ^= 1
    own, other = encode_png(PIXELS, MADE.xmp()), encode_png(changed, MADE.xmp())
    body, foreign = own[own.index(b"IDAT") :], other[other.index(b"IDAT") :]
    assert signed.endswith(body)
    report = authority.read(signed.removesuffix(body) + foreign)
    assert report["validation_state"] == "Invalid"
    assert [found["code"] for found in report["validation_status"]] == ["assertion.dataHash.mismatch"]


def test_a_stranger_s_signature_is_valid_but_not_trusted(credentials: Credentials) -> None:
    report = Authority().read(sign(encode_png(PIXELS), MADE, credentials))
    assert report["validation_state"] == "Valid"
    assert [found["code"] for found in report["validation_status"]] == ["signingCredential.untrusted"]


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("es384", lambda: ec.generate_private_key(ec.SECP384R1())),
        ("ps256", lambda: rsa.generate_private_key(65537, 2048)),
        ("ed25519", ed25519.Ed25519PrivateKey.generate),
    ],
)
def test_other_algorithms_sign_too(
    algorithm: str, make: Callable[[], Any], authority: Authority, tmp_path: Path
) -> None:
    key = make()
    credentials = read_credentials(*written(tmp_path, authority.chain(key), pem(key)), algorithm)
    assert authority.read(sign(encode_png(PIXELS), MADE, credentials))["validation_state"] == "Trusted"


def test_a_key_as_openssl_writes_it_is_taken(authority: Authority, tmp_path: Path) -> None:
    key = new_key()
    files = written(tmp_path, authority.chain(key), pem(key, PrivateFormat.TraditionalOpenSSL))
    assert b"BEGIN EC PRIVATE KEY" in files[1].read_bytes()
    credentials = read_credentials(*files)
    assert authority.read(sign(encode_png(PIXELS), MADE, credentials))["validation_state"] == "Trusted"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda chain, key: chain.unlink(), "the signing certificate cannot be read: No such file"),
        (lambda chain, key: key.unlink(), "the signing key cannot be read: No such file"),
        (lambda chain, key: chain.write_text("hello"), "certificate is not a chain of certificates in PEM"),
        (lambda chain, key: key.write_text("s3cret"), "the signing key is not a private key in PEM"),
        (
            lambda chain, key: key.write_bytes(pem(new_key())),
            "key does not fit the first certificate of the chain",
        ),
        (
            lambda chain, key: key.write_bytes(pem(new_key(), passphrase=b"s3cret")),
            "the signing key is encrypted; it has to be stored without a passphrase",
        ),
        (
            lambda chain, key: key.write_bytes(pem(ec.generate_private_key(ec.SECP384R1()))),
            "another kind than es256 takes: a key on the curve secp256r1",
        ),
    ],
)
def test_files_that_cannot_sign_are_refused_with_the_reason(
    files: tuple[Path, Path], spoil: Callable[[Path, Path], Any], words: str
) -> None:
    spoil(*files)
    with pytest.raises(SigningError, match=words) as caught:
        read_credentials(*files)
    assert "s3cret" not in str(caught.value)
    assert str(files[0].parent) not in str(caught.value)


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        ((timedelta(days=-9), timedelta(days=-2)), r"certificate 1 of .* \(Test studio\) expired on "),
        ((timedelta(days=2), timedelta(days=9)), r"certificate 1 of .* \(Test studio\) is not valid before "),
    ],
)
def test_certificates_sign_while_they_are_valid(
    authority: Authority, tmp_path: Path, lifetime: tuple[timedelta, timedelta], words: str
) -> None:
    key = new_key()
    with pytest.raises(SigningError, match=words):
        read_credentials(*written(tmp_path, authority.chain(key, lifetime=lifetime), pem(key)))


def test_an_unknown_algorithm_is_refused_with_those_there_are(files: tuple[Path, Path]) -> None:
    with pytest.raises(SigningError, match="'md5' is none of es256, es384, es512, ps256"):
        read_credentials(*files, "md5")


def test_other_formats_are_not_signed(credentials: Credentials) -> None:
    with pytest.raises(SigningError, match="only PNG, JPEG and WebP"):
        sign(b"GIF89a", MADE, credentials)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl answers for the time-stamping service")
def test_a_time_stamp_is_part_of_the_signature(
    authority: Authority, credentials: Credentials, tmp_path: Path
) -> None:
    plain = authority.read(sign(encode_png(PIXELS), MADE, credentials))
    assert "time" not in plain["manifests"][plain["active_manifest"]]["signature_info"]
    with time_stamping(authority, tmp_path) as address:
        stamped = authority.read(sign(encode_png(PIXELS), MADE, credentials, address))
    assert stamped["validation_state"] == "Trusted"
    assert "time" in stamped["manifests"][stamped["active_manifest"]]["signature_info"]
    codes = [found["code"] for found in stamped["validation_results"]["activeManifest"]["success"]]
    assert {"timeStamp.validated", "timeStamp.trusted"} <= set(codes)


def test_a_time_stamp_that_cannot_be_had_fails_without_the_address(credentials: Credentials) -> None:
    address = "http://user:s3cret@127.0.0.1:9/tsa"
    with pytest.raises(SigningError, match="signing failed") as caught:
        sign(encode_png(PIXELS), MADE, credentials, address)
    assert "s3cret" not in str(caught.value)


def test_the_key_is_in_no_text(credentials: Credentials) -> None:
    assert "key" not in repr(credentials)
    assert "PRIVATE" not in repr(credentials)
