"""Prompt pools as files: what is written, and what is read back with errors by line. Nothing here touches the database."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from creatives.models import PromptVersion
from creatives.models.catalog import PATH_SEPARATOR

FORMAT: Final = "product-studio/prompts"
COLUMNS: Final = ("category", "name", "text", "negative_text", "ground", "status")
STATUSES: Final = ("in use", "retired")
NAME_LIMIT: Final = 80
LEVEL_LIMIT: Final = 120
TEXT_LIMIT: Final = 600
MAX_ENTRIES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A prompt of a file. ``line`` is where it begins, of a JSON file its number among the prompts."""

    line: int
    category: str
    name: str
    text: str
    negative_text: str = ""
    ground: str = "auto"
    status: str = "in use"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, and what helps."""

    line: int
    column: str
    rule: str


def as_json(entries: Iterable[Entry]) -> str:
    """A JSON file of prompts."""
    prompts = [{name: getattr(entry, name) for name in COLUMNS} for entry in entries]
    return (
        json.dumps({"format": FORMAT, "version": 1, "prompts": prompts}, ensure_ascii=False, indent=1) + "\n"
    )


def cells(entry: Entry) -> tuple[str, ...]:
    """The cells of COLUMNS."""
    return tuple(getattr(entry, name) for name in COLUMNS)


def read(data: bytes) -> tuple[list[Entry], list[Problem]]:
    """The prompts of a CSV or JSON file; entries with a problem are left out."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [], [Problem(line, "", "The file is not UTF-8; save it as UTF-8.")]
    is_json = text.lstrip().startswith(("{", "["))
    try:
        raw = list(_json_rows(text) if is_json else _csv_rows(text))
    except _UnreadableError as error:
        return [], [error.problem]
    if len(raw) > MAX_ENTRIES:
        return [], [
            Problem(raw[MAX_ENTRIES][0], "", f"A file has at most {MAX_ENTRIES:,} prompts; split it.")
        ]
    if not raw:
        return [], [Problem(1, "", "The file holds no prompts.")]
    return _checked(raw)


class _UnreadableError(Exception):
    def __init__(self, line: int, rule: str) -> None:
        super().__init__(rule)
        self.problem = Problem(line, "", rule)


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _UnreadableError(getattr(error, "lineno", 1), f"This is no JSON: {error}.") from error
    prompts = found.get("prompts") if isinstance(found, dict) else found
    if not isinstance(prompts, list):
        raise _UnreadableError(1, "A list named “prompts” is expected.")
    for number, prompt in enumerate(prompts, start=1):
        if not isinstance(prompt, dict):
            raise _UnreadableError(number, "Each prompt is an object with category, name and text.")
        yield number, prompt


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        names = [name.strip().lower().replace(" ", "_") for name in reader.fieldnames or ()]
        if missing := [name for name in COLUMNS[:3] if name not in names]:
            raise _UnreadableError(1, f"The first line has no column {', '.join(missing)}.")
        reader.fieldnames = names
        line = reader.line_num + 1
        for row in reader:
            if None in row:
                found = len(names) + len(row[None])
                told = f"{found} cells for {len(names)} columns; put quotes around a text with “{delimiter}” in it."
                raise _UnreadableError(line, told)
            yield line, {name: _unescaped(value or "") for name, value in row.items() if name}
            line = reader.line_num + 1
    except csv.Error as error:
        raise _UnreadableError(line, f"This is no CSV: {error}.") from error


def _unescaped(value: str) -> str:
    """The export puts an apostrophe before what a spreadsheet would run."""
    return value[1:] if len(value) > 1 and value[0] == "'" and value[1] in "=+-@" else value


def _checked(raw: Iterable[tuple[int, Mapping[str, Any]]]) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in raw:
        entry, wrong = _entry(line, row)
        key = (entry.category, entry.name)
        if not wrong and key in seen:
            wrong = [
                Problem(line, "name", f"Line {seen[key]} has this prompt already; remove one of the two.")
            ]
        problems += wrong
        if not wrong:
            seen[key] = line
            entries.append(entry)
    return entries, problems


def _entry(line: int, row: Mapping[str, Any]) -> tuple[Entry, list[Problem]]:
    values = {name: " ".join(str(row.get(name) or "").split()) for name in COLUMNS}
    levels = [level.strip() for level in values["category"].split(">")]
    values["category"] = PATH_SEPARATOR.join(levels)
    values["ground"] = values["ground"].lower() or "auto"
    values["status"] = values["status"].lower() or "in use"
    entry = Entry(line, **values)
    rules = {
        "category": (
            all(levels) and max(map(len, levels)) <= LEVEL_LIMIT,
            f"A path such as “Home > Kitchen”, no empty level, at most {LEVEL_LIMIT} characters each.",
        ),
        "name": (
            0 < len(entry.name) <= NAME_LIMIT,
            f"1 to {NAME_LIMIT} characters (this has {len(entry.name)}).",
        ),
        "text": (
            0 < len(entry.text) <= TEXT_LIMIT,
            f"1 to {TEXT_LIMIT} characters (this has {len(entry.text)}).",
        ),
        "negative_text": (
            len(entry.negative_text) <= TEXT_LIMIT,
            f"At most {TEXT_LIMIT} characters (this has {len(entry.negative_text)}).",
        ),
        "ground": (
            entry.ground in PromptVersion.Ground.values,
            f"One of {', '.join(PromptVersion.Ground.values)}; not “{entry.ground}”.",
        ),
        "status": (entry.status in STATUSES, f"“in use” or “retired”; not “{entry.status}”."),
    }
    broken = [name for name, value in asdict(entry).items() if isinstance(value, str) and "\x00" in value]
    wrong = [Problem(line, name, rule) for name, (is_fine, rule) in rules.items() if not is_fine]
    return entry, wrong + [Problem(line, name, "No NUL characters.") for name in broken]
