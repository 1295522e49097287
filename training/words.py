"""Teaches the text encoder what captions mean before there is a denoiser: the scene's labels and a thumbnail.

A joint training from nothing leaves this to gradients that pass a denoiser which knows nothing yet: after 1,300 steps it
had learnt light and dark from the prompt, and no colour.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.captions import caption
from training.dataset import held_out, load_scene, scene_names, to_tensor
from training.latents import shrink, training_size
from training.patches import PatchBasis, load_basis
from training.precision import half_precision
from training.progress import fit
from training.text import load_tokenizer, new_text_encoder

FIELDS = (
    "kind",
    "surface",
    "surface_colour",
    "backdrop",
    "backdrop_colour",
    "light",
    "prop",
    "prop_colour",
    "view",
)
THUMBNAIL, CHANNELS, BATCH = 4, 6, 64


class Reader(nn.Module):
    """The text encoder with what is thrown away afterwards: pooling by one query, and a linear layer per answer."""

    def __init__(self, text: Any, answers: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.text = text
        width = text.config.hidden_size
        self.query = nn.Parameter(torch.randn(width) * width**-0.5)
        self.labels = nn.ModuleList(nn.Linear(width, len(each)) for each in answers)
        self.thumbnail = nn.Linear(width, CHANNELS * THUMBNAIL**2)

    def forward(self, tokens: Tensor) -> tuple[list[Tensor], Tensor]:
        """Scores per field, and thumbnails (N, CHANNELS · THUMBNAIL²), of token numbers (N, L)."""
        states = self.text(tokens)[0]
        pooled = (torch.softmax(states @ self.query, 1)[:, :, None] * states).sum(1)
        return [layer(pooled) for layer in self.labels], self.thumbnail(pooled)


def read_scenes(folder: Path, basis: PatchBasis) -> tuple[list[dict[str, Any]], Tensor]:
    """Descriptions of the training scenes, and thumbnails of their latents as `Reader` answers them."""
    specs, thumbnails = [], []
    for name in scene_names(folder):
        if not held_out(name):
            scene = load_scene(folder, name)
            latents = basis.encode(to_tensor([shrink(scene, training_size(scene, 1 / 3)).rgb]))
            specs.append(scene.spec)
            thumbnails.append(F.adaptive_avg_pool2d(latents[:, :CHANNELS], THUMBNAIL).flatten(1))
    return specs, torch.cat(thumbnails)


def learn_words(scenes: Path, work: Path, minutes: float, seed: int = 1) -> None:
    """Teach a new text encoder and write it to ``work``/text.pt, from where the joint training starts."""
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(work / "tokenizer")
    text = new_text_encoder(tokenizer)
    specs, thumbnails = read_scenes(scenes, load_basis(work, scenes))
    teach_words(text, tokenizer, specs, thumbnails, minutes, seed)
    part = work / "text.part"
    torch.save(text.state_dict(), part)
    part.replace(work / "text.pt")


def teach_words(
    text: Any, tokenizer: Any, specs: list[dict[str, Any]], thumbnails: Tensor, minutes: float, seed: int = 1
) -> Reader:
    """Train ``text`` in place for ``minutes`` and print progress; returns the reader around it.

    The loss is the mean cross-entropy of the fields, and the thumbnails' squared error over their variance.
    """
    answers = [sorted({str(spec.get(field, "")) for spec in specs}) for field in FIELDS]
    wanted = torch.tensor(
        [[a.index(str(s.get(f, ""))) for f, a in zip(FIELDS, answers, strict=True)] for s in specs]
    )
    mean, deviation = thumbnails.mean(0), thumbnails.std(0)
    scaled = (thumbnails - mean) / deviation
    torch.manual_seed(seed)
    reader, rng = Reader(text, answers), random.Random(seed)

    def losses() -> dict[str, Tensor]:
        chosen = rng.choices(range(len(specs)), k=BATCH)
        texts = [caption(specs[k], rng, recoloured=False) for k in chosen]
        tokens = tokenizer(
            texts,
            padding="max_length",
            truncation=True,
            max_length=tokenizer.model_max_length,
            return_tensors="pt",
        ).input_ids
        with half_precision():
            scores, made = reader(tokens)
        named = [F.cross_entropy(s.float(), wanted[chosen, k]) for k, s in enumerate(scores)]
        return {
            "labels": torch.stack(named).mean(),
            "thumbnail": (made.float() - scaled[chosen]).square().mean(),
        }

    fit(reader, minutes, losses)
    return reader
