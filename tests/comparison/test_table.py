import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from scipy.stats import ttest_ind
from tests.comparison.conftest import compared, four

from temper.comparison.table import (
    ALONE,
    COLUMNS,
    EQUAL,
    NOISE,
    TIED,
    TO_TARGET,
    WIDTH,
    as_csv,
    as_markdown,
    markdown,
    text,
)
from temper.refusal import Refusal

Made = Callable[..., Path]


def test_by_hand(made: Made) -> None:
    sgd, adam, nag, alone = compared(four(made))
    assert (sgd.difference, sgd.interval, sgd.verdict) == (None, None, "")
    assert sgd.seconds == pytest.approx(61.0)
    assert (sgd.work, sgd.gap, sgd.parameters, sgd.size) == (6000, pytest.approx(0.01), 100, 2048)
    # By seed the scores of adam rise with those of sgd: pairs of them would be told from noise.
    expected = ttest_ind([0.93, 0.95, 0.97], [0.90, 0.91, 0.92], equal_var=False).confidence_interval(0.95)
    assert adam.interval == pytest.approx((expected.low, expected.high))
    assert (adam.difference, adam.verdict) == (pytest.approx(0.04), NOISE)
    expected = ttest_ind([0.90, 0.93], [0.90, 0.91, 0.92], equal_var=False).confidence_interval(0.95)
    assert nag.interval == pytest.approx((expected.low, expected.high))
    assert nag.verdict == NOISE
    assert alone.difference == pytest.approx(0.08)
    assert (alone.interval, alone.verdict) == (None, ALONE)


def test_the_baseline_comes_first(made: Made) -> None:
    first, second, *_ = compared(four(made), baseline="optimizer=adam")
    assert first.method.digest == "adam"
    assert (second.method.digest, second.difference) == ("sgd", pytest.approx(-0.04))


def test_which_way_is_better_hangs_on_the_metric(made: Made) -> None:
    folders = [
        *(made(f"sgd_{seed}", "sgd", seed, 3.0 + seed / 10, metric="rmse") for seed in range(2)),
        *(made(f"adam_{seed}", "adam", seed, 2.0 + seed / 10, metric="rmse") for seed in range(2)),
    ]
    assert compared(folders)[1].verdict == "better"
    assert compared(folders, baseline=str(folders[-1]))[1].verdict == "worse"
    assert compared(folders, "cost/seconds")[1].verdict == NOISE  # the very same
    folders += [made(f"slow_{seed}", "slow", seed, 9.0, metric="rmse", cost={"seconds": 99.0}) for seed in range(2)]
    assert compared(folders, "cost/seconds")[2].verdict == "higher"
    assert compared(folders, "cost/seconds", str(folders[-1]))[1].verdict == "lower"
    assert compared(folders)[2].work is None


def test_seeds_that_do_not_differ_by_chance_have_no_interval(made: Made) -> None:
    folders = [
        *(made(f"sgd_{seed}", "sgd", seed, 0.9471) for seed in range(2)),
        *(made(f"adam_{seed}", "adam", seed, 0.9499, choices={"optimizer": "adam"}) for seed in range(2)),
    ]
    _, tied = compared(folders)
    assert (tied.difference, tied.interval, tied.verdict) == (pytest.approx(0.0028), None, TIED)
    assert f"| 0.9499 ± 0.0000 | +0.0028 | {TIED} |" in as_markdown(compared(folders), ())
    large = {"complexity": {"parameters": 120, "latency_seconds": 0.5}}
    folders += [made(f"large_{seed}", "large", seed, 0.9471, **large) for seed in range(2)]
    exact = compared(folders, "complexity/parameters")[2]  # counted: the same in all seeds there may be
    assert (exact.interval, exact.verdict) == ((20.0, 20.0), "higher")
    timed = [
        *folders[4:],
        *(made(f"fast_{seed}", "fast", seed, complexity={"latency_seconds": 0.25}) for seed in range(2)),
    ]
    assert compared(timed, "complexity/latency_seconds")[1].verdict == TIED


def test_refuses_a_metric_that_was_not_measured(made: Made) -> None:
    folders = four(made)
    with pytest.raises(
        Refusal, match="--metric test/acuracy: none of the runs has measured it; did you mean test/accur"
    ):
        compared(folders, "test/acuracy")
    broken = made("broken", "adam", 7, None, choices={"optimizer": "adam"})
    with pytest.raises(Refusal, match="broken has not measured test/accuracy: choose another --metric, or leave"):
        compared([*folders, broken])


def test_as_text(made: Made) -> None:
    console = Console(width=170, file=StringIO(), record=True)
    text(compared(four(made)), console)
    header, sgd, adam, nag, alone = console.export_text().splitlines()
    assert header.split("  ")[0] == "method"
    assert [*sgd.split()] == [
        "optimizer=sgd", "3", "0.9100", "±", "0.0100", "baseline", "61", "s", "6,000", "+0.0100", "100", "2.0", "KiB",
    ]  # fmt: skip
    assert "0.9500 ± 0.0200" in adam
    assert f"-0.0016 to +0.0816  {NOISE}" in adam
    assert NOISE in nag
    assert f"+0.0800  {ALONE}" in alone


def test_bytes_are_told_as_such(made: Made) -> None:
    small = {"complexity": {"parameters": 100, "bytes": 600}}
    folders = [*four(made)[:2], *(made(f"small_{seed}", "small", seed, **small) for seed in range(2))]
    lines = as_markdown(compared([*folders, made("one", "one", 0, **small)], "complexity/bytes"), ()).splitlines()
    assert lines[2].startswith("| data=digits optimizer=sgd | 2 | 2.0 KiB ± 0 B | baseline |")
    assert "| 2 | 600 B ± 0 B | -1.4 KiB | lower |" in lines[3]
    assert "| 1 | 600 B | -1.4 KiB | one seed" in lines[4]
    assert lines[4].endswith("| 100 | 600 B |")


def test_a_table_of_long_names_keeps_its_width(made: Made) -> None:
    long = {"optimizer": "schedule_free_adamw", "augmentation": ["flip", "random_erasing", "trivial_augment"]}
    folders = [*four(made)[:2], *(made(f"long_{seed}", "long", seed, choices=long) for seed in range(2))]
    console = Console(width=WIDTH, file=StringIO(), record=True)
    text(compared(folders), console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].endswith("size")
    assert lines[1].endswith("2.0 KiB")


def test_as_csv_every_number_is_there(made: Made) -> None:
    sgd, adam, nag, alone = csv.DictReader(StringIO(as_csv(compared(four(made)))))
    assert tuple(sgd) == COLUMNS
    assert (sgd["method"], sgd["n"], sgd["seeds"], sgd["low"], sgd["interval"]) == (
        "optimizer=sgd",
        "3",
        "0 1 2",
        "",
        "",
    )
    assert float(adam["mean"]) == pytest.approx(0.95)
    assert float(adam["standard_deviation"]) == pytest.approx(0.02)
    assert float(adam["low"]) < float(adam["difference"]) < float(adam["high"])
    assert (nag["interval"], nag["verdict"], nag["seeds"]) == ("Welch", NOISE, "0 1")
    assert (alone["standard_deviation"], alone["high"], alone["seconds"]) == ("", "", "60.0")
    assert (sgd["parameters"], sgd["bytes"]) == ("100.0", "2048.0")


def test_as_markdown(made: Made) -> None:
    lines = as_markdown(compared(four(made)), ["one", "two"]).splitlines()
    assert lines[0].startswith("| method | seeds | test/accuracy | difference, 95 % |")
    assert lines[1] == "| " + " | ".join(["---"] * 10) + " |"
    assert lines[3].startswith(f"| optimizer=adam | 3 | 0.9500 ± 0.0200 | -0.0016 to +0.0816 | {NOISE} | 61 s |")
    assert lines[-3:] == ["", "- one", "- two"]
    assert markdown(["a"], [["b|c"]]) == "| a |\n| --- |\n| b∣c |"


def test_runs_that_failed_are_counted_beside_those_that_finished(made: Made) -> None:
    folders = [
        *four(made)[:3],
        *(made(f"loud_{seed}", "loud", seed, 0.8 + seed / 100, config={}) for seed in range(3)),
        *(made(f"lost_{seed}", "loud", seed, None, state="failed", score=None, metrics={}) for seed in (3, 4)),
        made("again", "loud", 2, None, state="failed"),  # another of a seed that finished
        *(made(f"dead_{seed}", "dead", seed, None, state="failed", score=None, metrics={}) for seed in range(2)),
        made("going", "dead", 2, None, state="running"),
    ]
    found = compared(folders)
    assert [row.method.count for row in found] == ["3", "3 of 5", "0 of 3"]
    assert found[1].mean == pytest.approx(0.81)  # of the three that there are
    table = as_markdown(found, ()).splitlines()
    assert "| 3 of 5 | 0.8100 ± 0.0100 |" in table[3]
    assert "| 0 of 3 | - | - |  | not measured |" in table[4]
    _, loud, dead = csv.DictReader(StringIO(as_csv(found)))
    assert (loud["n"], loud["seeds"], loud["failed"], loud["unfinished"]) == ("3", "0 1 2", "2", "0")
    assert (dead["n"], dead["seeds"], dead["failed"], dead["unfinished"]) == ("0", "", "2", "1")
    assert {dead[name] for name in ("mean", "difference", "verdict", "seconds", "bytes")} == {""}


def on_the_way(made: Made, name: str, *seconds: float | None) -> list[Path]:
    return [
        made(f"{name}_{seed}", name, seed, speed={"seconds_to_target": taken}, target=0.8)
        for seed, taken in enumerate(seconds)
    ]


def test_a_target_that_some_did_not_reach_has_neither_mean_nor_verdict(made: Made) -> None:
    sgd, quick, slow = (
        on_the_way(made, name, *seconds)
        for name, *seconds in (("sgd", 3.0, 4.0, 5.0), ("quick", 1.0, 1.1, 1.2), ("slow", 1.0, None, 1.2))
    )
    found = compared([*sgd, *quick, *slow], TO_TARGET)
    assert found[1].verdict == "lower"
    assert (found[2].mean, found[2].difference, found[2].interval, found[2].verdict) == (None, None, None, "")
    assert "| 3 | 2 of 3 reached | - |  |" in as_markdown(found, ())
    *_, last = csv.DictReader(StringIO(as_csv(found)))
    assert (last["n"], last["mean"], last["standard_deviation"], last["reached"]) == ("3", "", "", "2")
    # Where it is the baseline of which a run did not, nothing is held against it.
    found = compared([*slow, *quick], TO_TARGET)
    assert [(row.mean is None, row.verdict) for row in found] == [(True, ""), (False, "")]
    assert "| 3 | 2 of 3 reached | baseline |" in as_markdown(found, ())


def test_a_target_that_nobody_reached_is_told_and_without_one_it_is_refused(made: Made) -> None:
    never = on_the_way(made, "never", None, None)
    assert "| 2 | 0 of 2 reached | baseline |" in as_markdown(compared(never, TO_TARGET), ())
    with pytest.raises(Refusal, match=r"without has not measured speed/seconds_to_target: choose another --metric"):
        compared([*never, made("without", "other")], TO_TARGET)


@pytest.mark.parametrize("seeds", [1, 2])
def test_counts_that_are_the_same_in_every_run_are_equal(made: Made, seeds: int) -> None:
    work = "cost/training_multiply_adds"
    folders = [made(f"{name}_{seed}", name, seed) for name in ("sgd", "adam") for seed in range(seeds)]
    found = compared(folders, work)
    assert found[1].verdict == EQUAL
    assert f"| +0.0000 | {EQUAL} |" in as_markdown(found, ())
    folders += [made(f"more_{seed}", "more", seed, cost={"training_multiply_adds": 6001}) for seed in range(seeds)]
    assert compared(folders, work)[2].verdict == ("higher" if seeds > 1 else ALONE)
