"""Prompt pools in and out of files: round trip, errors by line, a plan that is carried out whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives import pool_files
from creatives.models import Category, PromptVersion, User
from creatives.pool_files import Entry
from creatives.services.pools import StalePlanError, apply_pools, entries_of, plan_pools
from creatives.services.prompts import PromptError, add_prompt, new_version, retire
from tests import factories

CSV = "category,name,text,negative_text,ground,status\n"
words = st.text('ab"=é,', min_size=1, max_size=12)


@pytest.fixture
def admin() -> User:
    return factories.admin()


@given(
    st.lists(
        st.builds(Entry, st.just(1), st.just("Home > Mugs"), words, words, words), unique_by=lambda e: e.name
    )
)
def test_json_is_read_back_as_it_was_written(entries: list[Entry]) -> None:
    found, problems = pool_files.read(pool_files.as_json(entries).encode())
    assert problems == ([] if entries else [pool_files.Problem(1, "", "The file holds no prompts.")])
    assert [pool_files.cells(entry) for entry in found] == [pool_files.cells(entry) for entry in entries]


def test_every_problem_is_told_by_line() -> None:
    data = (
        f"{CSV}Home,Oak,on an oak table,,,\n"
        'Home,"Two\nlines",on a table,,floating,\n'
        f"Home,,{'x' * 601},,,gone\n"
        "Home >,Pine,on pine,,,\n"
        "Home,Oak,again,,,\n"
    )
    entries, problems = pool_files.read(data.encode())
    assert [(entry.line, entry.name) for entry in entries] == [(2, "Oak")]
    assert [(problem.line, problem.column) for problem in problems] == [
        (3, "ground"), (5, "name"), (5, "text"), (5, "status"), (6, "category"), (7, "name"),
    ]  # fmt: skip
    assert problems[2].rule == "1 to 600 characters (this has 601)."


@pytest.mark.parametrize(
    ("data", "line", "rule"),
    [
        (b"", 1, "no column category, name, text"),
        (b"category,name\nHome,Oak\n", 1, "no column text"),
        (b'{"prompts": [1', 1, "no JSON"),
        (b'{"prompts": 3}', 1, "list named"),
        (b"category,name,text\nHome,Oak,\xff\n", 2, "not UTF-8"),
        (b'category,name,text\nHome,Oak,"open\n', 2, "no CSV"),
        (b"category,name,text\nHome,Oak,on oak, soft light\n", 2, "4 cells for 3 columns"),
    ],
)
def test_a_file_that_is_none_says_where(data: bytes, line: int, rule: str) -> None:
    entries, problems = pool_files.read(data)
    assert entries == []
    assert problems[0].line == line
    assert rule in problems[0].rule


@pytest.mark.django_db
def test_a_file_makes_versions_and_leaves_others_alone(admin: User) -> None:
    home = factories.category()
    kept = add_prompt(home, "Kept", "on oak", "", admin)
    changed = add_prompt(home, "Changed", "on pine", "", admin)
    back = add_prompt(home, "Back", "on stone", "", admin)
    retire(back.prompt_id, 1, admin)
    gone = add_prompt(home, "Gone", "on glass", "", admin)
    add_prompt(home, "Not in the file", "on ice", "", admin)
    entries = [
        Entry(1, "Home", "Kept", "on oak"), Entry(2, "Home", "Changed", "on birch"), Entry(3, "Home", "Back", "on stone"),
        Entry(4, "Home", "Gone", "on glass", status="retired"), Entry(5, "Home > New", "Sand", "on sand", "people", "none"),
    ]  # fmt: skip
    plan = plan_pools(entries)
    assert [step.kind for step in plan.steps] == ["unchanged", "changed", "back", "retired", "new"]
    assert plan.steps[4].is_new_category
    assert (PromptVersion.objects.count(), Category.objects.count()) == (5, 1), "looking changes nothing"
    apply_pools([replace(entry, line=entry.line + 1) for entry in entries], plan.digest, admin)
    in_use = PromptVersion.objects.filter(retired_at=None).order_by("prompt__name")
    assert [(row.prompt.name, row.version, row.text) for row in in_use] == [
        ("Back", 2, "on stone"), ("Changed", 2, "on birch"), ("Kept", 1, "on oak"),
        ("Not in the file", 1, "on ice"), ("Sand", 1, "on sand"),
    ]  # fmt: skip
    assert (kept.pk, gone.prompt.versions.count(), changed.prompt.versions.count()) == (in_use[2].pk, 1, 2)
    assert plan_pools(entries_of()).changes == 0


@pytest.mark.django_db
def test_pools_that_changed_meanwhile_are_shown_again(admin: User) -> None:
    oak = add_prompt(factories.category(), "Oak", "on oak", "", admin)
    entries = [Entry(1, "Home", "Oak", "on pine"), Entry(2, "Home", "New", "on sand")]
    plan = plan_pools(entries)
    new_version(oak.prompt_id, 1, "on birch", "", admin)
    with pytest.raises(StalePlanError):
        apply_pools(entries, plan.digest, admin)
    assert PromptVersion.objects.count() == 2


@pytest.mark.django_db
def test_the_export_of_a_category_holds_what_is_below_it(admin: User) -> None:
    add_prompt(factories.category("Home > Mugs"), "Oak", "=1+1", "", admin)
    add_prompt(factories.category("Home & Garden"), "Pine", "on pine", "", admin)
    home = Category.objects.get(path="Home")
    entries = entries_of(home)
    assert [entry.name for entry in entries] == ["Oak"]
    assert json.loads(pool_files.as_json(entries))["prompts"][0]["text"] == "=1+1"
    assert pool_files.read(f"{CSV}Home > Mugs,Oak,'=1+1,,,\n".encode())[0][0].text == "=1+1"
    assert issubclass(StalePlanError, PromptError)
