"""Masks where looks or colours leave doubts: a third look from afar, what shows through handles, prints given back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from creatives.pipeline.clutter import FAR, combine, cut_from_clutter
from creatives.pipeline.image_io import from_array
from creatives.pipeline.opinion import Contested, settle
from creatives.pipeline.segment import segment

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]


class Looks:
    """A network that answers as it is told, in turn, and keeps what it was shown."""

    name, fingerprint = "looks", "0"

    def __init__(self, *answers: F32) -> None:
        self.answers, self.shown = list(answers), list[U8]()

    def predict(self, rgb: U8) -> F32:
        self.shown.append(rgb)
        return self.answers.pop(0)


def squares() -> tuple[U8, Bool]:
    """A red square in blue noise, 200 × 200, and where it is."""
    noise = np.random.default_rng(1).integers(0, 60, (200, 200, 3))
    photo = (noise + np.array([20, 60, 160])).astype(np.uint8)
    product = np.zeros((200, 200), np.bool_)
    product[60:140, 60:140] = True
    photo[product] = (200, 30, 30)
    return photo, product


def look(product: Bool) -> F32:
    return np.where(product, 1.0, 0.0).astype(np.float32)


def widened(seen: F32) -> F32:
    across, along = (round(side * FAR) for side in seen.shape)
    return np.pad(seen, ((across, across), (along, along)))


def test_two_looks_that_agree_are_enough() -> None:
    photo, product = squares()
    network = Looks(look(product), look(product[:, ::-1]))
    found = cut_from_clutter(photo, network)
    assert len(network.shown) == 2
    assert np.array_equal(found.alpha >= 128, product)
    assert found.doubts == ()


def test_looks_in_doubt_ask_for_a_third_from_afar() -> None:
    photo, product = squares()
    half = product.copy()
    half[:, 100:] = False
    network = Looks(look(half), 0.4 * look(half[:, ::-1]), widened(look(product)))
    found = cut_from_clutter(photo, network)
    assert [shown.shape for shown in network.shown] == [(200, 200, 3), (200, 200, 3), (300, 300, 3)]
    chroma = [
        cv2.cvtColor(shown, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.float32).std()
        for shown in (photo, network.shown[2][50:250, 50:250])
    ]
    assert chroma[1] == pytest.approx(0.4 * chroma[0], rel=0.1)
    assert np.array_equal(found.alpha >= 128, product)


def ring(wall: int) -> Bool:
    """A square with a square hole of 40 pixels in it, behind walls of so many."""
    product = np.zeros((200, 200), np.bool_)
    product[80 - wall : 120 + wall, 80 - wall : 120 + wall] = True
    product[80:120, 80:120] = False
    return product


@pytest.mark.parametrize(("wall", "is_open"), [(10, True), (60, False)])
def test_a_rare_colour_in_a_handle_is_a_hole_and_in_the_middle_a_print(wall: int, *, is_open: bool) -> None:
    photo, _ = squares()
    product = ring(wall)
    photo[product] = (200, 30, 30)
    hole = np.zeros_like(product)
    hole[80:120, 80:120] = True
    photo[hole] = photo[:40, :40].reshape(-1, 3)
    photo[80:98, 80:120] = (
        240,
        240,
        20,
    )  # the likeness to the surroundings falls between the two limits: 0.23
    found = combine(photo, (look(product), look(product)))
    assert (found.alpha[hole] < 128).all() == is_open
    assert (found.alpha[product] >= 128).mean() > 0.99


def test_a_shaded_handle_is_opened_where_the_network_sees_nothing() -> None:
    product = np.zeros((200, 200), np.bool_)
    product[20:180, 20:180] = True
    shaded = np.zeros_like(product)
    shaded[26:46, 26:46] = True
    contested = Contested(np.zeros_like(product), shaded, np.zeros_like(product))
    assert not settle(product, contested, look(product & ~shaded))[shaded].any()
    assert np.array_equal(settle(product, contested, look(product)), product)


def test_a_print_taken_for_a_shaded_hole_is_given_back() -> None:
    product = np.zeros((200, 200), np.bool_)
    product[40:160, 40:160] = True
    taken = np.zeros_like(product)
    taken[120:150, 50:120] = True
    contested = Contested(taken, *np.zeros((2, *product.shape), np.bool_))
    assert np.array_equal(settle(product & ~taken, contested, look(product)), product)
    assert np.array_equal(settle(product & ~taken, contested, look(product & ~taken)), product & ~taken)


def test_a_plain_photo_that_turns_out_to_be_cluttered_is_looked_at_twice_in_all() -> None:
    photo = np.full((200, 200, 3), 245, np.uint8)
    photo[140:, 20:180] = (90, 60, 30)  # a table, which a flood of the backdrop takes for the product
    photo[60:140, 70:130] = (30, 60, 200)
    cup = np.zeros((200, 200), np.bool_)
    cup[60:140, 70:130] = True
    network = Looks(look(cup), look(cup[:, ::-1]))
    mask = segment(from_array(photo), lambda: network)
    assert mask.method == "looks"
    assert np.array_equal(mask.alpha >= 128, cup)
    assert len(network.shown) == 2
