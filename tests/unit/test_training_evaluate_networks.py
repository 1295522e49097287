"""The two small networks that judge pictures: that they learn, answer at the right size, and are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from creatives.pipeline.expansion import overlap
from training.evaluate import classifier as naming
from training.evaluate import finder as finding
from training.evaluate.augment import framed, photographed, warped
from training.evaluate.classifier import Classifier, train_classifier
from training.evaluate.finder import Finder, overlap_loss, train_finder
from training.evaluate.labels import Answers
from training.evaluate.networks import Schedule, kept_network, naming_loss
from training.evaluate.renders import GREY, Renders, for_testing, without_product

ANSWERS = Answers(("oak", "sand"), ("sea", "wall"))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(count: int, side: int) -> Renders:
    """Settings of two colours, red ones with a sea and blue ones with a wall, around a green disc that moves."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:side, 0:side]
    rgb, alpha = np.empty((count, side, side, 3), np.uint8), np.empty((count, side, side), np.uint8)
    specs = []
    for place in range(count):
        centre = rng.uniform(0.35, 0.65, 2) * side
        cover = np.hypot(x - centre[0], y - centre[1]) < 0.22 * side
        red = place % 2 == 0
        rgb[place] = (200, 60, 50) if red else (50, 60, 200)
        rgb[place][cover] = (40, 210, 60)
        alpha[place] = np.where(cover, 255, 0)
        surface, backdrop = ("sand", "sea") if red else ("oak", "wall")
        specs.append({"surface": surface, "backdrop": backdrop, "view": "front", "prop": "none"})
    return Renders(tuple(f"9-{k:05d}" for k in range(count)), tuple(specs), rgb, alpha)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Both networks at a size that is quick to train at."""
    for module in (naming, finding):
        monkeypatch.setattr(module, "SIDE", 64)
    return 64


def test_the_classifier_learns_and_does_not_look_at_the_product(small):
    renders = drawn(16, small)
    network = train_classifier(renders, ANSWERS, 12)
    surface, backdrop = network.logits(list(renders.rgb), list(renders.alpha))
    assert surface.argmax(1).tolist() == [1, 0] * 8
    assert backdrop.argmax(1).tolist() == [0, 1] * 8
    recoloured = renders.rgb.copy()
    recoloured[renders.alpha > 0] = (250, 0, 250)
    assert torch.equal(network.logits(list(recoloured), list(renders.alpha))[0], surface)
    assert network.describe(list(renders.rgb[:3])).shape == (3, 384)


def test_the_finder_learns_and_answers_at_the_pictures_size(small):
    network = train_finder(drawn(12, small), 40)
    wide = np.zeros((90, 180, 3), np.uint8)
    wide[:] = (200, 60, 50)
    y, x = np.mgrid[0:90, 0:180]
    disc = np.hypot((x - 90) / 2, y - 45) < 20
    wide[disc] = (40, 210, 60)
    found = network.find([wide, wide[:, ::-1]])
    assert [mask.shape for mask in found] == [(90, 180)] * 2
    assert overlap(found[0], disc) > 0.6


def test_overlap_loss_is_nearly_nothing_for_the_right_answer():
    wanted = torch.zeros(1, 1, 8, 8)
    wanted[..., :4] = 1
    sure = (wanted - 0.5) * 40
    assert overlap_loss(sure, wanted) < 1e-3
    assert overlap_loss(-sure, wanted) > 10


def test_unknown_labels_teach_nothing():
    logits = [torch.zeros(2, 2, requires_grad=True), torch.zeros(2, 2, requires_grad=True)]
    naming_loss(logits, torch.tensor([[0, -100], [1, -100]])).backward()
    assert logits[0].grad is not None
    assert logits[0].grad.abs().sum() > 0
    assert logits[1].grad is not None
    assert logits[1].grad.abs().sum() == 0


def test_the_rate_rises_and_falls():
    schedule = Schedule(torch.nn.Linear(2, 2), 1e-3, 1000)
    assert schedule.rate(0) == pytest.approx(1e-5)
    assert schedule.rate(99) == pytest.approx(1e-3, rel=0.03)
    assert schedule.rate(999) < 2e-5


def test_a_network_is_kept_until_its_scenes_have_grown(tmp_path):
    path, trained = tmp_path / "finder.pt", []

    def train() -> Finder:
        trained.append(1)
        return Finder()

    names = [f"1-{k:05d}" for k in range(100)]
    first = kept_network(path, names, "settings", Finder, train)
    again = kept_network(path, [*names, "1-00200"], "settings", Finder, train)
    assert len(trained) == 1
    assert torch.equal(first.answer.weight, again.answer.weight)
    kept_network(path, [*names, *(f"2-{k:05d}" for k in range(12))], "settings", Finder, train)
    assert len(trained) == 2  # a ninth more
    kept_network(path, names, "settings", Finder, train)
    assert len(trained) == 3  # it had seen scenes that are gone, perhaps for testing now
    kept_network(path, names, "others", Finder, train)
    assert len(trained) == 4


def test_every_eighth_render_is_for_testing_and_all_that_the_model_never_saw():
    from training.dataset import held_out

    names = [f"1-{k:05d}" for k in range(400)]
    assert sum(map(for_testing, names)) == 50
    assert all(for_testing(name) for name in names if held_out(name))


def test_the_product_is_greyed_a_little_beyond_its_outline():
    picture, alpha = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8)
    alpha[20, 20] = 255
    greyed = without_product(picture, alpha, 3)
    assert (greyed == GREY).all(2).sum() == 49


def test_augmentation_keeps_size_and_moves_picture_and_coverage_together():
    rng = np.random.default_rng(2)
    renders = drawn(1, 64)
    matrix = framed(rng, 64)
    picture, cover = warped(renders.rgb[0], matrix), warped(renders.alpha[0], matrix)
    green = picture[..., 1].astype(int) > 150
    assert (green == (cover > 127)).mean() > 0.97
    view = photographed(renders.rgb[0], rng)
    assert (view.shape, view.dtype) == ((64, 64, 3), np.uint8)


def test_the_classifier_has_an_answer_for_every_label():
    shapes = [tuple(logits.shape) for logits in Classifier(ANSWERS).eval()(torch.zeros(1, 3, 64, 64))]
    assert shapes == [(1, 2), (1, 2)]
