"""`manage.py replay`: logs in, estimates out, one clear line for what is wrong."""

import csv
import json

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from bandit.offline import POLICIES, evaluate, walk
from bandit.replay_log import LogError, read_log

HEADER = ["arm", "reward", "propensity", "x0", "x1"]


def write(path, rows, header=HEADER):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def uniform_log(path, n=3000, seed=0):
    """Two arms, each right for half of the shoppers; shown at random."""
    rng = np.random.default_rng(seed)
    kind, arm = rng.integers(0, 2, n), rng.integers(0, 2, n)
    reward = (rng.random(n) < np.where(kind == arm, 0.6, 0.2)).astype(int)
    rows = [[f"p{a}", r, 0.5, 1 - k, k] for a, r, k in zip(arm, reward, kind, strict=True)]
    return write(path, rows)


def run(capsys, *arguments):
    call_command("replay", *map(str, arguments))
    return capsys.readouterr().out


@pytest.mark.parametrize("policy", ["linucb", "hybrid", "ts"])
def test_a_learner_is_worth_more_than_the_random_log(tmp_path, capsys, policy):
    report = json.loads(run(capsys, uniform_log(tmp_path / "log.csv"), "--policy", policy, "--json"))
    assert (report["rows"], report["arms"], report["policy"]) == (3000, ["p0", "p1"], policy)
    assert report["logged"]["value"] == pytest.approx(0.4, abs=0.03)
    assert set(report["estimates"]) == {"replay", "ips", "snips", "dr"}
    for estimate in report["estimates"].values():
        assert estimate["value"] == pytest.approx(0.6, abs=0.06)
        assert estimate["low"] < estimate["value"] < estimate["high"]
        assert estimate["low"] > 0.45
    assert 1400 < report["estimates"]["replay"]["rows"] < 1600
    assert report["warnings"] == []


def test_the_random_policy_repeats_a_uniform_log(tmp_path, capsys):
    report = json.loads(run(capsys, uniform_log(tmp_path / "log.csv"), "--policy", "random", "--json"))
    for name in ("ips", "snips"):
        assert report["estimates"][name]["value"] == pytest.approx(report["logged"]["value"], abs=1e-12)
    assert report["estimates"]["ips"]["effective_rows"] == pytest.approx(3000)


def test_the_table_names_all_four(tmp_path, capsys):
    out = run(capsys, uniform_log(tmp_path / "log.csv", n=300), "--policy", "linucb", "--alpha", "0.5")
    lines = out.splitlines()
    assert lines[0] == "linucb, alpha 0.5: 300 impressions, arms p0, p1"
    assert [line.split()[0] for line in lines[2:7]] == ["logged", "replay", "IPS", "SNIPS", "DR"]


def test_a_seed_makes_a_run_repeatable(tmp_path, capsys):
    log = uniform_log(tmp_path / "log.csv", n=400)
    runs = [run(capsys, log, "--policy", "ts", "--seed", "3", "--json") for _ in range(2)]
    assert runs[0] == runs[1] != run(capsys, log, "--policy", "ts", "--seed", "4", "--json")


def test_parquet_says_the_same_as_csv(tmp_path, capsys):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    log = uniform_log(tmp_path / "log.csv", n=500)
    rows = list(csv.DictReader(log.open()))
    numbers = ("reward", "propensity", "x0", "x1")
    table = pyarrow.table(
        {"arm": [row["arm"] for row in rows]} | {name: [float(row[name]) for row in rows] for name in numbers}
    )
    parquet.write_table(table, tmp_path / "log.parquet")
    reports = [
        json.loads(run(capsys, tmp_path / name, "--policy", "linucb", "--json"))
        for name in ("log.csv", "log.parquet")
    ]
    assert reports[0].pop("log") != reports[1].pop("log")
    assert reports[0] == reports[1]


def test_a_log_with_other_columns_in_any_order(tmp_path):
    header = ["x1", "position", "reward", "day", "x0", "propensity", "arm"]
    log = read_log(
        write(tmp_path / "log.csv", [[2, "top", 1, "mon", 3, 0.5, " b"], [4, "", 0, "", 5, 1, "a"]], header)
    )
    assert log.arms == ("a", "b")
    assert log.actions.tolist() == [1, 0]
    assert log.contexts.tolist() == [[3.0, 2.0], [5.0, 4.0]]
    assert log.rewards.tolist() == [1.0, 0.0]
    assert log.propensities.tolist() == [0.5, 1.0]


GOOD = ["a", 1, 0.5, 1, 0]


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ([], HEADER, "no rows"),
        ([GOOD], ["arm", "reward", "x0", "x1", "y"], "column 'propensity' is missing"),
        ([GOOD], ["arm", "reward", "propensity", "a", "b"], "column 'x0' is missing"),
        ([GOOD], ["arm", "reward", "propensity", "x0", "x2"], "column 'x1' is missing"),
        ([GOOD], ["arm", "reward", "propensity", "x0", "x0"], "column 'x0' appears twice"),
        ([GOOD, ["a", "yes", 0.5, 1, 0]], HEADER, "line 3: column 'reward' must be a number, not 'yes'"),
        (
            [GOOD, ["a", 1, 0, 1, 0]],
            HEADER,
            "line 3: column 'propensity' must be above 0 and at most 1, not 0",
        ),
        ([GOOD, ["a", 1, 1.2, 1, 0]], HEADER, "line 3: column 'propensity' must be above 0 and at most 1"),
        ([GOOD, ["a", 1, 0.5, "nan", 0]], HEADER, "line 3: column 'x0' must be finite, not 'nan'"),
        ([GOOD, ["a", 1, 0.5, 0, ""]], HEADER, "line 3: column 'x1' must be a number, not ''"),
        ([GOOD, [" ", 1, 0.5, 0, 0]], HEADER, "line 3: column 'arm' is empty"),
        ([GOOD, ["a", 1, 0.5, 0]], HEADER, "line 3: 4 cells, but the header has 5 columns"),
    ],
)
def test_what_is_wrong_is_named_and_exits_2(tmp_path, capsys, rows, header, words):
    log = write(tmp_path / "log.csv", rows, header)
    with pytest.raises(CommandError, match=words) as caught:
        call_command("replay", str(log), policy="linucb")
    assert caught.value.returncode == 2
    assert str(caught.value).startswith(f"{log}: ")
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PAR1 but not really", b""])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"log\.csv: "):
        read_log(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--alpha", "-1"], "--alpha must be finite and at least 0, not -1.0"),
        (["--alpha", "nan"], "--alpha must be finite"),
        (["--seed", "-1"], "--seed must be at least 0"),
    ],
)
def test_bad_options_exit_2(tmp_path, options, words):
    log = uniform_log(tmp_path / "log.csv", n=10)
    with pytest.raises(CommandError, match=words) as caught:
        call_command("replay", str(log), "--policy", "linucb", *options)
    assert caught.value.returncode == 2


def test_a_missing_file_exits_2(tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.csv: no such file or directory") as caught:
        call_command("replay", str(tmp_path / "nowhere.csv"), policy="random")
    assert caught.value.returncode == 2


def test_doubts_are_told(tmp_path):
    rng = np.random.default_rng(0)
    rows = [[f"p{i % 2}", 0, 0.9 if i % 2 else 0.8, *rng.random(2)] for i in range(200)]
    log = read_log(write(tmp_path / "log.csv", rows))
    doubts = evaluate(POLICIES["random"](2, 1.0, 0), log).warnings
    assert any("replay is biased" in doubt for doubt in doubts)
    assert any("instead of 1: check the logged propensities" in doubt for doubt in doubts)
    rows = [["only", 1, 1.0, 0.0, 1.0]] * 3
    doubts = evaluate(POLICIES["linucb"](2, 1.0, 0), read_log(write(tmp_path / "one.csv", rows))).warnings
    assert "the log shows one arm only: every policy looks alike" in doubts
    assert "replay rests on 3 matching rows" in doubts


def test_a_policy_learns_only_where_it_chose_what_was_shown(tmp_path):
    log = read_log(uniform_log(tmp_path / "log.csv", n=200))
    policy = POLICIES["linucb"](2, 1.0, 0)
    probabilities, chosen = walk(policy, log)
    matches = chosen == log.actions
    assert sum(policy.counts.values()) == matches.sum()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities[np.arange(200), chosen] > 0).all()


def test_no_row_knows_the_future(tmp_path):
    log = read_log(uniform_log(tmp_path / "log.csv", n=100))
    full, _ = walk(POLICIES["linucb"](2, 1.0, 0), log)
    log.rewards[60:] = 1.0 - log.rewards[60:]
    changed, _ = walk(POLICIES["linucb"](2, 1.0, 0), log)
    np.testing.assert_array_equal(full[:61], changed[:61])
    assert not np.array_equal(full, changed)
