"""Draws contact sheets: pictures in rows under readable captions, as JPEG of a modest size."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

U8 = NDArray[np.uint8]

GAP, FONT = 8, 15
LINE = FONT + 4
LIMIT_KB = 400
PAPER, INK, BAND, SUPPORT = "white", "black", (232, 232, 232), (214, 214, 214, 255)


def as_image(picture: U8, size: tuple[int, int]) -> Image.Image:
    """The whole picture in RGB, as large as fits into ``size``; clear parts on grey, one channel as grey."""
    image = Image.fromarray(picture)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, SUPPORT), image)
    image = image.convert("RGB")
    factor = min(size[0] / image.width, size[1] / image.height)
    target = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(target, Image.Resampling.LANCZOS)


def grid(
    rows: Sequence[tuple[str, Sequence[U8]]], heads: Sequence[str], cell: tuple[int, int], title: str = ""
) -> Image.Image:
    """One row of pictures under each caption, in cells of ``cell`` pixels, with a heading over each column."""
    across = max(len(pictures) for _, pictures in rows)
    width = GAP + across * (cell[0] + GAP)
    top = GAP + (LINE if title else 0) + (LINE + GAP if heads else 0)
    captions = [_wrapped(text, width) for text, _ in rows]
    height = top + sum(len(lines) * LINE + cell[1] + GAP for lines in captions)
    sheet = Image.new("RGB", (width, height), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT)
    if title:
        pen.text((GAP, GAP), title, INK, font)
    if heads:
        pen.rectangle((0, top - LINE - GAP // 2, width, top - GAP // 2), BAND)
    for column, head in enumerate(heads):
        pen.text((GAP + column * (cell[0] + GAP), top - LINE - GAP // 2), head, INK, font)
    for lines, (_, pictures) in zip(captions, rows, strict=True):
        for line in lines:
            pen.text((GAP, top), line, INK, font)
            top += LINE
        for column, picture in enumerate(pictures):
            image = as_image(picture, cell)
            left = GAP + column * (cell[0] + GAP) + (cell[0] - image.width) // 2
            sheet.paste(image, (left, top + (cell[1] - image.height) // 2))
        top += cell[1] + GAP
    return sheet


def shelves(rows: Sequence[Sequence[tuple[str, U8, float]]]) -> Image.Image:
    """Pictures of different sizes beside one another; each with a caption and the factor it is shown at."""
    shown = [
        [
            (text, as_image(picture, (round(picture.shape[1] * f), round(picture.shape[0] * f))))
            for text, picture, f in row
        ]
        for row in rows
    ]
    font = ImageFont.load_default(FONT)
    widths = [[max(image.width, round(font.getlength(text))) + GAP for text, image in row] for row in shown]
    width = GAP + max(sum(row) for row in widths)
    height = GAP + sum(max(image.height for _, image in row) + LINE + GAP for row in shown)
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = GAP
    for row, row_widths in zip(shown, widths, strict=True):
        left = GAP
        for (text, image), taken in zip(row, row_widths, strict=True):
            pen.text((left, top), text, INK, font)
            sheet.paste(image, (left, top + LINE))
            left += taken
        top += max(image.height for _, image in row) + LINE + GAP
    return sheet


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """Sheets one below the other."""
    whole = Image.new("RGB", (max(s.width for s in sheets), sum(s.height for s in sheets)), PAPER)
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    return whole


def save_jpeg(sheet: Image.Image, path: Path, limit_kb: int = LIMIT_KB) -> int:
    """Write the sheet at the best quality (90 to 40) that keeps it below ``limit_kb``; returns its bytes.

    Raises ValueError when even the lowest is larger: then the sheet has too many pixels.
    """
    for quality in range(90, 39, -5):
        buffer = BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= limit_kb * 1000:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
            return buffer.tell()
    raise ValueError(f"{path.name}: {sheet.size} pixels do not fit into {limit_kb} kB")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, int(width / (0.52 * FONT)))) if text else []
