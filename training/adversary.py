"""A critic of predicted pictures: squared error alone teaches the mean of all that may be there, which is blur.

After Sauer et al. 2023 ("Adversarial Diffusion Distillation"): what the denoiser takes the clean picture to be, at whatever
noise level, should look like a picture. The critic reads latents, not pixels, and is small.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.models import TEXT_WIDTH
from training.patches import COMPONENTS

WIDTHS = (64, 96, 128)
RATE, JITTER, SMOOTHNESS, WARM_UP = 3e-4, 0.1, 5.0, 200
"""The critic's learning rate; the noise that must not change its mind, how much that weighs; steps to be fully heard."""


class Critic(nn.Module):
    """How real each part of a picture looks for its prompt (projection as in Miyato and Koyama 2018)."""

    def __init__(self) -> None:
        super().__init__()
        first, second, last = WIDTHS
        self.body = nn.Sequential(
            nn.Conv2d(COMPONENTS, first, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(first, second, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(second, last, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(last, last, 3, 1, 1), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.score = nn.Conv2d(last, 1, 1)
        self.prompt = nn.Linear(TEXT_WIDTH, last, bias=False)

    def forward(self, latents: Tensor, prompts: Tensor) -> Tensor:
        """Scores (N, h / 4, w / 4), higher for real, of latents (N, C, h, w) and pooled prompts (N, TEXT_WIDTH)."""
        features = self.body(latents[:, :COMPONENTS])
        fitting = (features * self.prompt(prompts)[:, :, None, None]).mean(1)
        return self.score(features)[:, 0] + fitting


class Adversary:
    """Trains a critic beside the denoiser, and says in which direction predictions look more real.

    share: length of that direction as a share of the squared error's gradient, picture by picture. At balance a prediction
    lies about that share of its error away from the mean of all that may be there.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        critic: Any = Critic()
        self.critic = critic.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.critic.parameters(), lr=RATE, betas=(0.0, 0.99), fused=True)
        self.steps, self.lead = 0, 0.0

    def pull(self, real: Tensor, guess: Tensor, prompts: Tensor, outside: Tensor, error: Tensor) -> Tensor:
        """What to add to ``error``, the squared error's gradient at predicted velocities; the critic learns on the way.

        real, guess: true and predicted clean latents (N, C, h, w); prompts (N, TEXT_WIDTH), pooled; outside (N, 1, h, w):
        0 inside the product, which is pasted in the end and shown to the critic as it is.
        """
        guess = real + outside * (guess.detach().float() - real)
        self.learn(real, guess, prompts)
        heard = self.share * min(1.0, self.steps / WARM_UP)
        # The clean picture is the noisy one less its share of the velocity, so the signs are opposite.
        return -scaled(self.gradient(real, guess, prompts) * outside, error.float(), heard)

    def learn(self, real: Tensor, made: Tensor, prompts: Tensor) -> None:
        """One step of the critic: each real picture should score above its prediction (relativistic, Huang et al. 2024)."""
        both = torch.cat([real, made])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = self.critic(
                torch.cat([both, both + JITTER * torch.randn_like(both)]), prompts.repeat(4, 1)
            )
        on_real, on_made, *shaken = scores.float().chunk(4)
        steady = (on_real - shaken[0]).square().mean() + (on_made - shaken[1]).square().mean()
        loss = F.softplus(on_made - on_real).mean() + SMOOTHNESS * steady
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        self.lead = 0.98 * self.lead + 0.02 * (on_real - on_made).mean().item()

    def gradient(self, real: Tensor, made: Tensor, prompts: Tensor) -> Tensor:
        """Gradient (N, C, h, w) at the predictions of how far they score below the real pictures."""
        made = made.detach().requires_grad_(True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = self.critic(torch.cat([real, made]), prompts.repeat(2, 1))
        on_real, on_made = scores.float().chunk(2)
        loss = F.softplus(on_real.detach() - on_made).mean()
        (found,) = torch.autograd.grad(loss, made)
        return found

    def state(self) -> dict[str, Any]:
        """Weights and optimiser, to go on later."""
        return {
            "critic": self.critic.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = state["steps"]


def scaled(direction: Tensor, like: Tensor, share: float) -> Tensor:
    """``direction`` (N, ...), each picture's as long as ``share`` of its ``like``; nothing where it is zero."""
    lengths = direction.flatten(1).norm(dim=1).clamp(min=1e-12)
    wanted = share * like.flatten(1).norm(dim=1)
    return direction * (wanted / lengths).view(-1, *[1] * (direction.ndim - 1))
