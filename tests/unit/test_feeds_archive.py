"""ZIPs with a feed and its pictures: what is found inside and what is refused."""

import io
import stat
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.feeds import ArchiveLimits, FeedArchive, FeedError, is_zip, open_feed

FEED = b"id\ttitle\timage_link\n1\tShoe\tphotos/shoe.jpg\n"


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out


def refusal(stream: io.BytesIO, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(FeedError) as caught:
        FeedArchive(stream, limits)
    return str(caught.value)


@pytest.mark.parametrize("folder", ["", "shop/"])
def test_feed_and_pictures_are_found(folder: str) -> None:
    files = {f"{folder}products.tsv": FEED, f"{folder}photos/Shoe.JPG": b"jpeg", f"{folder}notes.pdf": b"-"}
    with FeedArchive(zipped(files | {"__MACOSX/x.tsv": b"", f"{folder}.DS_Store": b""})) as archive:
        assert archive.manifest == f"{folder}products.tsv"
        assert archive.ignored == [f"{folder}notes.pdf"]
        with open_feed(archive.open_manifest(), members=archive) as feed:  # type: ignore[arg-type]
            (record,) = feed
        assert record.row is not None
        assert archive.read_image(str(record.row.image_link)) == b"jpeg"


def test_names_in_the_feed_may_be_encoded_or_from_the_top() -> None:
    with FeedArchive(zipped({"a/feed.csv": FEED, "a/x y.png": b"1", "b.png": b"2"})) as archive:
        assert (archive.read_image("x%20y.png"), archive.read_image("B.png")) == (b"1", b"2")
        assert "../b.png" in archive
        assert "c.png" not in archive
        assert "a/feed.csv" not in archive
        with pytest.raises(KeyError):
            archive.read_image("../../etc/passwd")


def test_a_picture_that_is_not_in_the_zip_is_a_row_issue() -> None:
    with (
        FeedArchive(zipped({"feed.tsv": FEED})) as archive,
        open_feed(archive.open_manifest(), members=archive) as feed,  # type: ignore[arg-type]
    ):
        (record,) = feed
    assert record.row is None
    assert record.issues[0].rule == "image_link must name a picture in the ZIP."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "points outside"),
        ("a/../../evil.png", "points outside"),
        ("..\\evil.png", "points outside"),
        ("/etc/evil.png", "absolute path"),
        ("C:\\evil.png", "absolute path"),
    ],
)
def test_names_that_lead_out_are_refused(name: str, reason: str) -> None:
    assert reason in refusal(zipped({"feed.tsv": FEED, name: b""}))


def test_links_are_refused() -> None:
    out = zipped({"feed.tsv": FEED})
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("link.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "'link.png' in the ZIP is a link or a device" in refusal(out)


def test_caps() -> None:
    many = zipped({"feed.tsv": FEED, **{f"{number}.png": b"" for number in range(5)}})
    assert "holds 6 entries; at most 5" in refusal(many, ArchiveLimits(max_entries=5))
    big = zipped({"feed.tsv": FEED, "a.png": bytes(3 << 20)}, zipfile.ZIP_STORED)
    assert "unpacks to 3 MB; at most 2 MB" in refusal(big, ArchiveLimits(max_total_bytes=2 << 20))
    bomb = zipped({"feed.tsv": FEED, "a.png": bytes(2 << 20)})
    assert ": 1; at most 200 : 1" in refusal(bomb)


def test_a_picture_over_the_limit_is_refused_on_its_own() -> None:
    with (
        FeedArchive(
            zipped({"feed.tsv": FEED, "a.png": bytes(2048)}), ArchiveLimits(max_image_bytes=1024)
        ) as archive,
        pytest.raises(FeedError, match=r"'a.png' in the ZIP has 0.0 MB"),
    ):
        archive.read_image("a.png")


def test_overlapping_entries_are_refused() -> None:
    data = bytearray(zipped({"feed.tsv": FEED, "a.png": b"x" * 99}, zipfile.ZIP_STORED).getvalue())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 5)
    assert "overlaps another entry" in refusal(io.BytesIO(bytes(data)))


def test_a_damaged_picture_is_refused_and_the_others_are_read() -> None:
    data = zipped({"feed.tsv": FEED, "a.png": b"A" * 50, "b.png": b"B" * 50}, zipfile.ZIP_STORED).getvalue()
    with FeedArchive(io.BytesIO(data.replace(b"A" * 50, b"A" * 49 + b"!"))) as archive:
        with pytest.raises(FeedError, match=r"'a.png' in the ZIP is damaged"):
            archive.read_image("a.png")
        assert archive.read_image("b.png") == b"B" * 50


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": b""}, "holds no feed"),
        ({"one.tsv": FEED, "two.csv": FEED}, r"holds 2 feeds \(one.tsv, two.csv\)"),
        ({"feed.csv": FEED, "products.csv": FEED}, "holds 2 feeds"),
    ],
)
def test_which_feed_is_meant_must_be_clear(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(FeedError, match=message):
        FeedArchive(zipped(files))


def test_the_feed_named_like_one_is_taken() -> None:
    with FeedArchive(zipped({"readme.txt": b"", "products.csv": FEED, "old/products.csv": FEED})) as archive:
        assert archive.manifest == "products.csv"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused() -> None:
    out = zipped({"feed.tsv": FEED, "a.png": b"1"})
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("a.png", b"2")
    assert "holds 'a.png' twice" in refusal(out)


def test_is_zip_looks_at_the_bytes() -> None:
    assert is_zip(zipped({"feed.tsv": FEED}))
    assert not is_zip(io.BytesIO(FEED))


@given(st.integers(0, 400), st.integers(0, 255))
def test_any_damage_gives_a_feed_error_or_bytes(position: int, byte: int) -> None:
    data = bytearray(zipped({"feed.tsv": FEED, "photos/shoe.jpg": b"jpeg" * 20}).getvalue())
    data[position % len(data)] = byte
    try:
        with FeedArchive(io.BytesIO(bytes(data))) as archive:
            assert isinstance(archive.read_image("photos/shoe.jpg"), bytes)
    except (FeedError, KeyError):
        pass
