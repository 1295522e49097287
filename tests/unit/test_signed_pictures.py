"""An installation that signs: every finished picture is signed, or there is none."""

from __future__ import annotations

import io
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from creatives.models import Creative, CreativeRequest, Rendition, WebhookDelivery
from creatives.pipeline import encode_png, open_image
from creatives.pipeline.credentials import SigningError
from creatives.pipeline.manifest import ASSERTION
from creatives.pipeline.provenance import Provenance, SourceType, read_provenance
from creatives.services.files import load
from creatives.services.generation import Want, request_creatives
from creatives.services.painting import paint_bucket
from creatives.services.provenance import finished
from creatives.services.renditions import render_missing
from tests import factories, signing, studio

ROOT = Path(__file__).resolve().parents[2]
WHITE = np.full((40, 40, 3), 255, np.uint8)


@pytest.fixture
def authority(settings: Any, tmp_path: Path) -> signing.Authority:
    """An installation that signs, and who vouches for it."""
    authority, key = signing.Authority(), signing.new_key()
    signing.switch_on(settings, tmp_path, authority.chain(key), signing.pem(key))
    return authority


def files_of(creative: Creative) -> list[bytes]:
    """The finished picture and its sizes."""
    rows = [creative.final, *(row.file for row in creative.renditions.order_by("width"))]
    return [load(str(row.name)) for row in rows]


@pytest.mark.django_db
def test_pictures_are_not_signed_unless_asked_for() -> None:
    creative = studio.painted(factories.merchant())
    assert [signing.is_signed(data) for data in files_of(creative)] == [False, False]
    assert creative.record["signed_by"] == ""


@pytest.mark.django_db
def test_every_size_is_signed_also_those_that_are_rendered_later(authority: signing.Authority) -> None:
    owner = factories.merchant()
    image, version = studio.photo(owner), studio.version()
    (request,) = studio.requested(owner, studio.want(image, version))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    studio.requested(owner, studio.want(image, version, 336, 280))
    assert render_missing(request.pk) == 1
    creative = Creative.objects.get()
    assert creative.record["signed_by"] == "Test studio"
    files = files_of(creative)
    assert [open_image(data).width for data in files] == [320, 300, 336]
    for data in files:
        report = authority.read(data)
        assert report["validation_state"] == "Trusted"
        said = signing.assertions(report)
        assert said["c2pa.actions.v2"]["actions"][0]["digitalSourceType"] == SourceType.COMPOSITE.uri
        marked = read_provenance(data)
        assert marked is not None
        assert said[ASSERTION] == marked.facts()
    painted = authority.read(load(str(creative.generated.name)))
    assert signing.assertions(painted)["c2pa.actions.v2"]["actions"][0]["digitalSourceType"] == (
        SourceType.PAINTED.uri
    )
    assert not signing.is_signed(load(str(creative.mask.name)))
    assert not signing.is_signed(load(str(creative.placed.name)))


@pytest.mark.django_db
def test_signing_changes_no_pixel(settings: Any, tmp_path: Path) -> None:
    version, key = studio.version(), signing.new_key()
    pictures = []
    for is_on in (False, True):
        if is_on:
            signing.switch_on(settings, tmp_path, signing.Authority().chain(key), signing.pem(key))
        owner = factories.merchant()
        studio.requested(owner, studio.want(studio.photo(owner), version))
        assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
        pictures.append(files_of(Creative.objects.get(merchant=owner)))
    for plain, signed in zip(*pictures, strict=True):
        assert signed != plain
        assert np.array_equal(open_image(signed).rgb, open_image(plain).rgb)
        assert read_provenance(signed) == read_provenance(plain)


@pytest.mark.django_db
def test_without_its_key_nothing_is_painted_and_the_reason_stands_at_the_request(
    authority: signing.Authority, settings: Any, tmp_path: Path
) -> None:
    settings.GENERATION_MAX_ATTEMPTS = 2
    (tmp_path / "key.pem").rename(tmp_path / "away.pem")
    owner = factories.merchant()
    studio.recommender(owner)
    (request,) = studio.requested(owner, studio.want(studio.photo(owner), studio.version()))
    painter = studio.FlatPainter()
    for status in ("queued", "failed"):
        assert paint_bucket(painter, studio.key()) == 0
        request.refresh_from_db()
        assert request.status == status
        assert request.error == "SigningError: the signing key cannot be read: No such file or directory"
        CreativeRequest.objects.filter(status="queued").update(due_at="2020-01-01T00:00Z")
    assert painter.batches == []
    assert Creative.objects.count() == 0
    assert Rendition.objects.get().file.name == ""
    told = WebhookDelivery.objects.get().payload
    assert "key" not in str(told["data"]["reason"])


@pytest.mark.django_db
def test_once_the_key_is_back_the_request_is_painted(authority: signing.Authority, tmp_path: Path) -> None:
    (tmp_path / "key.pem").rename(tmp_path / "away.pem")
    owner = factories.merchant()
    studio.requested(owner, studio.want(studio.photo(owner), studio.version()))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 0
    (tmp_path / "away.pem").rename(tmp_path / "key.pem")
    CreativeRequest.objects.update(due_at="2020-01-01T00:00Z")
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    assert authority.read(files_of(Creative.objects.get())[1])["validation_state"] == "Trusted"


@pytest.mark.django_db
def test_a_size_that_cannot_be_signed_waits_and_says_why(
    authority: signing.Authority, tmp_path: Path
) -> None:
    owner = factories.merchant()
    creative = studio.painted(owner)
    request = creative.request
    (tmp_path / "chain.pem").write_bytes(authority.chain(signing.new_key()))
    request_creatives(
        owner, [Want(request.image_sha256, request.prompt_version_id, 336, 280, request.layout)]
    )
    assert render_missing(request.pk) == 0
    row = Rendition.objects.get(width=336)
    assert (row.file.name, row.attempts) == ("", 1)
    assert row.error.startswith("SigningError: the signing key does not fit the first certificate")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("C2PA_CERTIFICATE", "C2PA_PRIVATE_KEY is set and C2PA_CERTIFICATE is not"),
        ("C2PA_PRIVATE_KEY", "C2PA_CERTIFICATE is set and C2PA_PRIVATE_KEY is not"),
    ],
)
def test_half_a_setting_is_an_error_rather_than_an_unsigned_picture(
    authority: signing.Authority, settings: Any, missing: str, words: str
) -> None:
    setattr(settings, missing, "")
    with pytest.raises(SigningError, match=words):
        finished(WHITE, Provenance(SourceType.COMPOSITE))


def test_without_the_library_there_is_no_picture(
    authority: signing.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(SigningError, match="the extra c2pa is not installed"):
        finished(WHITE, Provenance(SourceType.COMPOSITE))


def doctor() -> str:
    said = io.StringIO()
    try:
        call_command("doctor", only=["signing"], stdout=said, no_color=True)
    except SystemExit as error:
        said.write(f"exit {error.code}")
    return said.getvalue()


def test_doctor_says_that_pictures_are_not_signed() -> None:
    assert re.match(r"ok +signing +off: pictures carry XMP", doctor())


def test_doctor_names_the_signer_and_how_long_he_may(authority: signing.Authority) -> None:
    assert re.match(r"ok +signing +es256 as Test studio, until 20\d\d-\d\d-\d\d\n$", doctor())


def test_doctor_warns_of_a_certificate_that_is_about_to_expire(
    authority: signing.Authority, settings: Any, tmp_path: Path
) -> None:
    key = signing.new_key()
    chain = authority.chain(key, lifetime=(timedelta(days=-1), timedelta(days=5, hours=1)))
    signing.switch_on(settings, tmp_path, chain, signing.pem(key))
    assert re.match(r"warn +signing +es256 as .*: 5 days left  →  renew the certificate", doctor())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "key.pem").unlink(), "the signing key cannot be read"),
        (lambda folder: (folder / "key.pem").write_text("s3cret"), "the signing key is not a private key"),
        (
            lambda folder: (folder / "key.pem").write_bytes(signing.pem(signing.new_key())),
            "the signing key does not fit the first certificate",
        ),
        (lambda folder: (folder / "chain.pem").write_text("nothing"), "is not a chain of certificates"),
    ],
)
def test_doctor_fails_a_broken_signer_with_the_fix_and_without_the_key(
    authority: signing.Authority, tmp_path: Path, spoil: Any, words: str
) -> None:
    spoil(tmp_path)
    said = doctor()
    assert said.startswith("FAIL")
    assert words in said
    assert "docs/production.md" in said
    assert said.endswith("exit 1")
    assert "s3cret" not in said


def test_one_creative_on_the_command_line_is_refused_before_it_is_painted(
    authority: signing.Authority, settings: Any, tmp_path: Path
) -> None:
    settings.C2PA_PRIVATE_KEY = ""
    photo = tmp_path / "photo.png"
    photo.write_bytes(encode_png(WHITE))
    out = tmp_path / "made" / "out"
    with pytest.raises(CommandError, match="C2PA_PRIVATE_KEY is not"):
        call_command("make_creative", str(photo), "--prompt", "x", "--size", "300x250", "--out", str(out))
    assert not out.parent.exists()


def test_what_the_command_line_writes_is_signed(authority: signing.Authority, tmp_path: Path) -> None:
    from creatives.management.commands.make_creative import write_result

    record = {"profile": "studio-tiny", "pipeline_version": "2-x", "seed": 7}
    write_result(WHITE, {"4_generated": WHITE, "2_placed": WHITE}, record, tmp_path / "out")
    assert authority.read((tmp_path / "out" / "final.png").read_bytes())["validation_state"] == "Trusted"
    assert signing.is_signed((tmp_path / "out" / "steps" / "4_generated.png").read_bytes())
    assert not signing.is_signed((tmp_path / "out" / "steps" / "2_placed.png").read_bytes())


def test_there_is_one_way_to_mark_a_picture() -> None:
    """Whoever writes an XMP packet by himself would forget to sign."""
    sources = [path for folder in ("creatives", "review", "bandit") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if ".xmp()" in path.read_text()] == ["provenance.py"]
