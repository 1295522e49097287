"""The text side: a byte-pair vocabulary in CLIP's format and a small CLIP text encoder for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.captions import vocabulary_corpus

LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def train_tokenizer(corpus: Iterable[str], folder: Path) -> CLIPTokenizer:
    """Learn merges until every word of the corpus is one token; write and return the CLIP tokenizer.

    Unknown words still encode, byte by byte.
    """
    raw = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix="", unk_token=END))
    raw.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True),
            pre_tokenizers.ByteLevel(False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=4000,
        min_frequency=1,
        end_of_word_suffix="</w>",
        initial_alphabet=alphabet,
        show_progress=False,
    )
    raw.train_from_iterator(corpus, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    raw.model.save(str(folder))
    return _clip_tokenizer(folder, alphabet)


def _clip_tokenizer(folder: Path, alphabet: list[str]) -> CLIPTokenizer:
    vocab: dict[str, int] = json.loads((folder / "vocab.json").read_text())
    for token in (*alphabet, *(letter + "</w>" for letter in alphabet), START, END):
        vocab.setdefault(token, len(vocab))
    merges = [
        tuple(line.split(" "))
        for line in (folder / "merges.txt").read_text().splitlines()
        if line and line[0] != "#"
    ]
    tokenizer = CLIPTokenizer(
        vocab=vocab,
        merges=merges,  # type: ignore[arg-type]
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a folder, learnt there first if need be."""
    if (folder / "tokenizer.json").exists():
        return CLIPTokenizer.from_pretrained(folder)
    return train_tokenizer(vocabulary_corpus(), folder)


def new_text_encoder(tokenizer: CLIPTokenizer, width: int = 192, layers: int = 3) -> CLIPTextModel:
    """An untrained CLIP text model for the tokenizer's vocabulary."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=3 * width, num_hidden_layers=layers,
            num_attention_heads=4, max_position_embeddings=LENGTH, projection_dim=width, hidden_act="gelu",
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
