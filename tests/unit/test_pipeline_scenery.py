"""Plain colour along most of the border makes no studio photo: what meets the border, and what a network sees, count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creatives.pipeline.backdrop import fit_backdrop
from creatives.pipeline.image_io import from_array
from creatives.pipeline.segment import DOUBTFUL, segment
from creatives.pipeline.weights import WeightsError

U8 = np.ndarray
RED, BLUE, GREY = (200, 40, 40), (30, 60, 200), (225, 225, 225)


def photo(*blocks: tuple[slice, slice]) -> U8:
    """A red product in the middle of grey, and blue blocks."""
    pixels = np.full((200, 200, 3), GREY, np.uint8)
    pixels[70:140, 70:130] = RED
    for block in blocks:
        pixels[block] = BLUE
    return pixels


CORNERS = [(slice(0, 30), slice(40, 60)), (slice(170, 200), slice(50, 80)), (slice(60, 90), slice(0, 25)),
           (slice(100, 130), slice(180, 200))]  # fmt: skip


@dataclass
class Seeing:
    """A network that sees the red product, and counts how often it is asked."""

    asked: int = 0
    name: str = "seeing"
    fingerprint: str = "0"

    def predict(self, rgb: U8) -> U8:
        self.asked += 1
        return ((rgb[..., 0] > 150) & (rgb[..., 1] < 100)).astype(np.float32)


def overlap(alpha: U8) -> float:
    true = np.zeros((200, 200), np.bool_)
    true[70:140, 70:130] = True
    found = alpha >= 128
    return float((found & true).sum() / (found | true).sum())


def test_things_all_along_the_border_are_counted_and_make_no_plain_backdrop() -> None:
    assert (fit_backdrop(photo()).runs, fit_backdrop(photo()).is_plain) == (0, True)
    for count in range(1, 5):
        backdrop = fit_backdrop(photo(*CORNERS[:count]))
        assert (backdrop.runs, backdrop.is_plain) == (count, count <= 3)
    around_a_corner = fit_backdrop(
        photo((slice(0, 30), slice(0, 30)))
    )  # one thing, though it meets two sides
    assert around_a_corner.runs == 1


def test_clutter_on_a_plain_wall_is_left_to_the_network() -> None:
    network = Seeing()
    mask = segment(from_array(photo(*CORNERS)), lambda: network)
    assert mask.method == "seeing"
    assert overlap(mask.alpha) > 0.95
    assert network.asked == 2  # the photo and its mirror image


def test_without_a_network_the_same_clutter_is_a_guess_for_a_person() -> None:
    mask = segment(from_array(photo(*CORNERS)))
    assert mask.method == "grabcut"
    assert mask.confidence < DOUBTFUL


def test_where_something_meets_the_border_the_network_decides_whether_it_is_the_product() -> None:
    large = (slice(0, 200), slice(0, 45))
    network = Seeing()
    with_network = segment(from_array(photo(large)), lambda: network)
    assert (with_network.method, overlap(with_network.alpha) > 0.95) == ("seeing", True)

    def none() -> Seeing:
        raise WeightsError("not here")

    assert segment(from_array(photo(large)), none).method == "backdrop"


def test_a_studio_photo_is_no_matter_for_the_network() -> None:
    network = Seeing()
    mask = segment(from_array(photo()), lambda: network)
    assert (mask.method, network.asked) == ("backdrop", 0)
    assert mask.confidence > 0.9
