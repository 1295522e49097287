"""The critic that training may hear: what it learns, where it speaks, and how loudly."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from training.adversary import WARM_UP, Adversary, scaled
from training.models import TEXT_WIDTH
from training.patches import CHANNELS, COMPONENTS


def pictures(count: int, seed: int) -> torch.Tensor:
    """Latents with edges in them, and constant code channels."""
    torch.manual_seed(seed)
    coarse = torch.randn(count, COMPONENTS, 4, 4).sign()
    codes = torch.ones(count, CHANNELS - COMPONENTS, 16, 16)
    return torch.cat([F.interpolate(coarse, scale_factor=4), codes], 1)


def blurred(real: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(real, 5, 1, 2, count_include_pad=False)


def trained(steps: int) -> Adversary:
    adversary = Adversary(0.5)
    for step in range(steps):
        real = pictures(6, step)
        adversary.learn(real, blurred(real), torch.zeros(6, TEXT_WIDTH))
    return adversary


def test_critic_learns_to_tell_blur_and_points_away_from_it():
    torch.manual_seed(1)
    adversary = trained(60)
    real = pictures(8, 1000)
    made = blurred(real)
    prompts = torch.zeros(8, TEXT_WIDTH)
    with torch.no_grad():
        lead = adversary.critic(real, prompts) - adversary.critic(made, prompts)
    assert lead.shape == (8, 4, 4)
    assert (lead.mean((1, 2)) > 0).all()
    uphill = -adversary.gradient(real, made, prompts)
    assert F.cosine_similarity(uphill.flatten(), (real - made).flatten(), dim=0) > 0.1


def test_pull_leaves_the_product_alone_and_has_the_length_it_is_allowed():
    torch.manual_seed(1)
    adversary = trained(WARM_UP // 2 - 1)
    real = pictures(3, 5)
    outside = torch.ones(3, 1, 16, 16)
    outside[:, :, 4:12, 4:12] = 0
    error = torch.randn_like(real)
    pull = adversary.pull(real, blurred(real), torch.zeros(3, TEXT_WIDTH), outside, error)
    assert pull.shape == real.shape
    assert not pull[:, :, 4:12, 4:12].any()
    assert not pull[:, COMPONENTS:].any()
    # Half of the warm-up is over, so half of the share is heard.
    lengths = pull.flatten(1).norm(dim=1) / error.flatten(1).norm(dim=1)
    assert torch.allclose(lengths, torch.full((3,), 0.25), atol=1e-4)


def test_what_the_guess_shows_inside_the_product_does_not_matter():
    real, outside = pictures(2, 5), torch.ones(2, 1, 16, 16)
    outside[:, :, :8] = 0
    guess, error = blurred(real), torch.ones_like(real)
    found = []
    for each in (guess, torch.where(outside.bool(), guess, 99.0)):
        torch.manual_seed(1)
        found.append(trained(5).pull(real, each, torch.zeros(2, TEXT_WIDTH), outside, error))
    assert torch.equal(*found)


def test_direction_is_scaled_picture_by_picture_and_stays_zero_where_it_is_zero():
    direction = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    like = torch.tensor([[0.0, 10.0], [1.0, 1.0]])
    assert torch.equal(scaled(direction, like, 0.5), torch.tensor([[3.0, 4.0], [0.0, 0.0]]))


@pytest.mark.parametrize("steps", [0, 7])
def test_state_goes_on_where_it_was(steps):
    torch.manual_seed(2)
    first = trained(steps)
    second = Adversary(0.5)
    second.load(first.state())
    assert second.steps == steps
    real, prompts = pictures(2, 1), torch.randn(2, TEXT_WIDTH)
    with torch.no_grad():
        assert torch.equal(first.critic(real, prompts), second.critic(real, prompts))
