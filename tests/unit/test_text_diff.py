"""The difference of two prompts, word by word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from creatives.text_diff import Segment, word_diff

TEXTS = st.text(alphabet="ab ,.\n", max_size=40)


def test_a_word_is_replaced() -> None:
    assert word_diff("on white marble", "on grey marble") == [
        Segment("same", "on "),
        Segment("old", "white"),
        Segment("new", "grey"),
        Segment("same", " marble"),
    ]


def test_equal_texts_have_one_segment() -> None:
    assert word_diff("a table", "a table") == [Segment("same", "a table")]


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_back(old: str, new: str) -> None:
    segments = word_diff(old, new)

    assert "".join(s.text for s in segments if s.kind != "new") == old
    assert "".join(s.text for s in segments if s.kind != "old") == new
