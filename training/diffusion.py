"""Trains text encoder, denoiser, ControlNet and IP-Adapter together on encoded scenes, on one or more processes."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from diffusers import DDPMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.multiprocessing.spawn import start_processes
from torch.nn.attention import SDPBackend, sdpa_kernel

from creatives.pipeline.noise import calm_noise
from creatives.pipeline.setting_lines import CLEARLY, FAINTLY
from training.captions import caption
from training.dataset import by_size
from training.evaluate.labels import labels_of, showing_chances
from training.latents import Item, clip_pixels, load_items
from training.models import LEVELS, SCHEDULE, add_adapter, new_controlnet, new_unet, new_vision_encoder
from training.patches import COMPONENTS, load_basis
from training.precision import half_precision
from training.progress import Clock, learning_rate
from training.text import load_tokenizer, new_text_encoder

TOGETHER, KEPT = 8, 200
"""Steps between two averagings of the processes' weights, and between two saved states."""
PEAK, TEXT_DROPOUT, EDGE_DROPOUT, PRODUCT_DROPOUT, NO_ADAPTER, SHIFT = 1e-3, 0.1, 0.1, 0.1, 0.3, 2.0
CALMEST, SAMPLED = 0.9, 0.7
"""Noise is calmed by 0 to CALMEST, as the sampler's is; the share of pictures at the sampler's own noise levels."""
NO_LINES, ONE_PART, FEWER = 0.12, 0.15, 0.35
"""Shares of pictures among whose edges the horizon, or the setting's other lines, are left out; those of the ground or of
the backdrop; up to two fifths of them."""
EMBEDDING = "text.embeddings.token_embedding.weight"


class Studio(nn.Module):
    """The models that learn together."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.text = new_text_encoder(tokenizer)
        self.unet = new_unet()
        self.control = new_controlnet(self.unet)
        add_adapter(self.unet)
        self.vision = new_vision_encoder()

    def forward(
        self,
        noisy: Tensor,
        steps: Tensor,
        tokens: Tensor,
        edges: Tensor,
        products: Tensor | None,
        keep: Tensor,
    ) -> Tensor:
        """Predicted velocity (N, C, h, w); edges are (N, 3, 8h, 8w) in 0..1.

        products are uint8 (N, 3, S, S), or None to run as without the adapter; ``keep`` (N,) is 0 where the product
        is left out, as classifier-free guidance does.
        """
        states = self.text(tokens)[0]
        self.unet_adapter_scale(0.0 if products is None else 1.0)
        if products is None:
            embeds = torch.zeros(len(noisy), 1, self.vision.config.projection_dim)
        else:
            embeds = (self.vision(clip_pixels(products)).image_embeds * keep[:, None])[:, None]
        down, middle = self.control(noisy, steps, states, edges, return_dict=False)
        return self.unet(
            noisy, steps, states, down_block_additional_residuals=down, mid_block_additional_residual=middle,
            added_cond_kwargs={"image_embeds": [embeds]},
        ).sample  # fmt: skip

    def unet_adapter_scale(self, scale: float) -> None:
        """How much the product's picture counts; 0 leaves its layers out altogether."""
        for processor in self.unet.attn_processors.values():
            if hasattr(processor, "scale"):
                processor.scale = [scale]


class Average:
    """Exponential moving average of a module's weights, with the usual warm-up of the decay."""

    def __init__(self, module: nn.Module, decay: float = 0.99, every: int = 4) -> None:
        self.module, self.decay, self.every = copy.deepcopy(module).requires_grad_(False), decay, every

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the module's present weights, each ``every`` steps."""
        if step % self.every == 0:
            decay = min(self.decay, (1 + step) / (10 * self.every + step))
            torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - decay)


def channel_weights(items: list[Item], gains: NDArray[np.float64]) -> Tensor:
    """(C, 1, 1): the root of what a channel does to the picture, over its deviation where that is above 1; codes 0.3.

    So lightness does not drown colour, and neither drowns in fine texture, which cannot be foretold.
    """
    sample = torch.cat([item.latents.float().flatten(1) for item in items[:: max(1, len(items) // 200)]], 1)
    deviations = sample.std(1)
    weights = torch.ones(len(deviations))
    shown = deviations[:COMPONENTS] / torch.from_numpy(gains).float()
    weights[:COMPONENTS] = shown.sqrt() / deviations[:COMPONENTS].clamp(min=1)
    weights[COMPONENTS:] = 0.3
    return weights[:, None, None]


def velocity_loss(made: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Squared error of the velocity, weighted by place and channel; all noise levels count alike.

    Min-SNR weights (Hang et al. 2023) were tried and starve high noise, where composition is decided.
    """
    each = ((made.float() - wanted).square() * weight).mean(dim=(1, 2, 3)) / weight.mean(dim=(1, 2, 3))
    return each.mean()


def draw_steps(count: int) -> Tensor:
    """Noise levels 0..999, stratified: mostly the sampler's own, the rest shifted towards much noise.

    The shift is that of Esser et al. 2024, section 5.3.2. Spread over all levels, half of the pictures teach what the
    sampler never asks; and calmed noise shows a scene's wide shapes from level 998 on, so that only at 999 does the model
    learn to foresee them.
    """
    share = (torch.rand(1) + torch.arange(count) / count) % 1
    own = torch.tensor(LEVELS)[(share / SAMPLED * len(LEVELS)).long().clamp(max=len(LEVELS) - 1)]
    other = (share - SAMPLED) / (1 - SAMPLED)
    shifted = (SHIFT * other / (1 + (SHIFT - 1) * other) * 1000).long().clamp(max=999)
    return torch.where(share < SAMPLED, own, shifted)


def showing_weights(items: list[Item]) -> list[float]:
    """How often each item is shown: scenes of rare surfaces and backdrops oftener than their share."""
    return showing_chances([labels_of(item.spec) for item in items]).tolist()


def shown_lines(item: Item, rng: random.Random) -> Tensor:
    """The setting's lines that are shown, int64 (n, 3): all, none, those of one part only, or most of them.

    What is left out teaches the model to do without: prompts name settings for which there are no lines.
    """
    lines, row = item.lines.long(), item.horizon[0]
    chance = rng.random()
    if chance < NO_LINES or not len(lines):
        return lines[:0]
    if chance < NO_LINES + ONE_PART:
        ground = lines[:, 0] > row
        lines = lines[ground if rng.random() < 0.5 or row < 0 else ~ground]
    elif chance < NO_LINES + ONE_PART + FEWER:
        numbers = lines[:, 2].abs()
        kept = torch.tensor([rng.random() for _ in range(int(numbers.max()) + 1)]) >= 0.4 * rng.random()
        lines = lines[kept[numbers]]
    return lines


def make_batch(
    items: list[Item], chosen: list[int], tokenizer: Any, rng: random.Random
) -> tuple[Tensor, ...]:
    """Latents, edges (zero for some), weights, token numbers (empty prompt for some), products, which of them to keep."""
    picked = [items[k] for k in chosen]
    latents = torch.stack([p.latents for p in picked]).float()
    edges = torch.stack([p.edges for p in picked]).float()[:, None] / 255
    for picture, item in zip(edges, picked, strict=True):
        row, seen = item.horizon
        if row >= 0 and rng.random() >= NO_LINES:
            picture[0, row, seen] = 1.0
        lines = shown_lines(item, rng)
        picture[0, lines[:, 0], lines[:, 1]] = torch.where(lines[:, 2] > 0, CLEARLY, FAINTLY).float() / 255
    edges = edges.expand(-1, 3, -1, -1)
    shown = torch.tensor([float(rng.random() >= EDGE_DROPOUT) for _ in picked])
    edges = (edges * shown[:, None, None, None]).contiguous(memory_format=torch.channels_last)
    texts = [
        "" if rng.random() < TEXT_DROPOUT else caption(p.spec, rng, recoloured=p.recoloured) for p in picked
    ]
    tokens = tokenizer(
        texts,
        padding="max_length",
        truncation=True,
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    )
    keep = torch.tensor([float(rng.random() >= PRODUCT_DROPOUT) for _ in picked])
    weights, products = torch.stack([p.weight for p in picked]), torch.stack([p.product for p in picked])
    return latents, edges, weights, tokens.input_ids, products, keep


def average_weights(parameters: list[nn.Parameter], ranks: int) -> None:
    """Mean of all processes' weights, as one flat message (local SGD, Stich 2019): each keeps its optimiser's state.

    Averaging gradients at every step cost as much as the step itself does at the batches that learn fastest.
    """
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])
    dist.all_reduce(flat)
    flat /= ranks
    start = 0
    for p in parameters:
        p.data.copy_(flat[start : start + p.numel()].view_as(p))
        start += p.numel()


def restore(studio: nn.Module, saved: dict[str, Tensor], vocabulary: dict[str, int], tokenizer: Any) -> None:
    """Load weights; parts and tokens that are new since then start fresh, all others keep theirs."""
    own = studio.state_dict()
    rows = own[EMBEDDING].clone()
    for token, number in tokenizer.get_vocab().items():
        if token in vocabulary:
            rows[number] = saved[EMBEDDING][vocabulary[token]]
    studio.load_state_dict({**own, **saved, EMBEDDING: rows})


def train_rank(
    rank: int, ranks: int, scenes: Path, work: Path, minutes: float, scale: float, batch: int, seed: int, until: float,
    peak: float,
) -> None:  # fmt: skip
    """One process of the training. Rank 0 writes ``work``/diffusion.pt every KEPT steps and prints progress."""
    torch.set_num_threads(1)
    if ranks > 1:
        meeting = f"file://{work.resolve()}/meeting-{seed}-{scale}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=ranks)
    tokenizer = load_tokenizer(work / "tokenizer")
    torch.manual_seed(seed)
    studio: Any = Studio(tokenizer)
    studio.to(memory_format=torch.channels_last)
    average = Average(studio)
    parameters = list(studio.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=PEAK, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step, spent, path = 0, 0.0, work / "diffusion.pt"
    if path.exists():
        state = torch.load(path)
        restore(studio, state["model"], state["vocabulary"], tokenizer)
        restore(average.module, state["average"], state["vocabulary"], tokenizer)
        if (
            state["vocabulary"] == tokenizer.get_vocab()
            and state["model"].keys() == studio.state_dict().keys()
        ):
            optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    elif (work / "text.pt").exists():
        studio.text.load_state_dict(torch.load(work / "text.pt"))
        studio.vision.load_state_dict(torch.load(work / "vision.pt"))
        average = Average(studio)
    basis = load_basis(work, scenes)
    items = load_items(scenes, basis, scale, rank, ranks, seed)
    groups = by_size([item.size for item in items])
    clock = Clock(minutes, spent)
    rng, shared = random.Random(f"{seed}:{rank}:{step}"), random.Random(f"{seed}:{step}")
    torch.manual_seed(seed * 1000 + rank + 17 * step)
    noise_schedule: Any = DDPMScheduler(**SCHEDULE)
    weights = showing_weights(items)
    chances = {size: [weights[k] for k in group] for size, group in groups.items()}
    sizes = sorted(groups)
    shares = [sum(chances[size]) for size in sizes]
    if ranks > 1:
        agreed: list[Any] = [sizes, shares]
        dist.broadcast_object_list(agreed)
        sizes, shares = agreed
    by_channel = channel_weights(items, basis.gains)
    running, begun = 0.0, step
    while True:
        if (step - begun) % TOGETHER == 0:
            if ranks > 1:
                average_weights(parameters, ranks)
            if rank == 0 and (step - begun) % KEPT == KEPT - TOGETHER:
                _save(path, studio, average, optimiser, step, clock.spent, tokenizer)
            share = torch.tensor([clock.share, clock.spent])
            if ranks > 1:
                dist.all_reduce(share, op=dist.ReduceOp.MAX)
            if share[1] >= min(minutes, until):
                break
        size = shared.choices(sizes, shares)[0]
        with_adapter = shared.random() >= NO_ADAPTER
        count = max(2, round(batch * 65536 / (size[0] * size[1])))
        latents, edges, weight, tokens, products, keep = make_batch(
            items, rng.choices(groups[size], chances[size], k=count), tokenizer, rng
        )
        steps = draw_steps(count)
        noise = calm_noise(torch.randn_like(latents), CALMEST * torch.rand(count, 1, 1, 1))
        noisy = noise_schedule.add_noise(latents, noise, steps)
        wanted = noise_schedule.get_velocity(latents, noise, steps)
        with (
            half_precision(),
            sdpa_kernel(SDPBackend.MATH),
        ):  # a sixth faster: few tokens
            made = studio(
                noisy.contiguous(memory_format=torch.channels_last), steps, tokens, edges,
                products if with_adapter else None, keep,
            )  # fmt: skip
        loss = velocity_loss(made, wanted, weight * by_channel)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(peak, step, share[0].item(), warmup=80)
        optimiser.step()
        average.update(studio, step)
        step += 1
        running += loss.item()
        if rank == 0 and (step - begun) % 50 == 0:
            print(clock.line(step, loss=running / 50, items=len(items)), flush=True)
            running = 0.0
    if rank == 0:
        _save(path, studio, average, optimiser, step, clock.spent, tokenizer)


def _save(
    path: Path, studio: Studio, average: Average, optimiser: Any, step: int, spent: float, tokenizer: Any
) -> None:
    part = path.with_suffix(".part")
    state = {
        "model": studio.state_dict(), "average": average.module.state_dict(), "optimiser": optimiser.state_dict(),
        "step": step, "spent": spent, "vocabulary": tokenizer.get_vocab(),
    }  # fmt: skip
    torch.save(state, part)
    part.replace(path)


def train_diffusion(
    scenes: Path, work: Path, minutes: float, scale: float, batch: int, processes: int, seed: int, until: float,
    peak: float = PEAK,
) -> None:  # fmt: skip
    """Train for ``minutes`` in all, or up to minute ``until`` of them, to go on later.

    ``scale`` is of the large scenes: 1/3 first, then 2/3, then 1; ``batch`` is per process, for 256 × 256 pictures.
    """
    work.mkdir(parents=True, exist_ok=True)
    load_tokenizer(work / "tokenizer")
    load_basis(work, scenes)
    (work / f"meeting-{seed}-{scale}").unlink(missing_ok=True)
    arguments = (processes, scenes, work, minutes, scale, batch, seed, until, peak)
    if processes == 1:
        train_rank(0, *arguments)
    else:
        start_processes(train_rank, arguments, nprocs=processes, start_method="spawn")
