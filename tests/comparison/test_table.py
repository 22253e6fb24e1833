import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from scipy.stats import ttest_ind

from temper.comparison.methods import find_baseline, group, name_methods
from temper.comparison.runs import find
from temper.comparison.table import (
    ALONE,
    COLUMNS,
    NOISE,
    TIED,
    WIDTH,
    Row,
    as_csv,
    as_markdown,
    markdown,
    notes,
    rows,
    text,
)
from temper.refusal import Refusal

Made = Callable[..., Path]


def compared(folders: list[Path], metric: str | None = None, baseline: str | None = None) -> list[Row]:
    methods, _ = group(find(folders)[0])
    base = find_baseline(baseline, methods)
    name_methods(methods, base)
    return rows(methods, base, metric)


def four(made: Made) -> list[Path]:
    return [
        *(made(f"sgd_{seed}", "sgd", seed, 0.90 + seed / 100) for seed in range(3)),
        *(made(f"adam_{seed}", "adam", seed, 0.93 + seed / 50, choices={"optimizer": "adam"}) for seed in range(3)),
        *(made(f"nag_{seed}", "nag", seed, 0.9 + seed * 0.03, choices={"optimizer": "nesterov"}) for seed in range(2)),
        made("alone", "alone", 0, 0.99, choices={"optimizer": "adamw"}),
    ]


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
    assert f"| 0.9499 ± 0.0000 | +0.0028 | {TIED} |" in as_markdown(compared(folders))
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
    lines = as_markdown(compared([*folders, made("one", "one", 0, **small)], "complexity/bytes")).splitlines()
    assert lines[2].startswith("| data=digits optimizer=sgd | 2 | 2.0 KiB ± 0 B | baseline |")
    assert "| 2 | 600 B ± 0 B | -1.4 KiB to -1.4 KiB | lower |" in lines[3]
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
    lines = as_markdown(compared(four(made))).splitlines()
    assert lines[0].startswith("| method | seeds | test/accuracy | difference, 95 % |")
    assert lines[1] == "| " + " | ".join(["---"] * 10) + " |"
    assert lines[3].startswith(f"| optimizer=adam | 3 | 0.9500 ± 0.0200 | -0.0016 to +0.0816 | {NOISE} | 61 s |")
    assert markdown(["a"], [["b|c"]]) == "| a |\n| --- |\n| b∣c |"


def test_notes_say_what_is_not_alike(made: Made) -> None:
    folders = four(made)
    dirty = "+dirty: with changes that stand in no commit, and may differ from run to run"
    assert list(notes(compared(folders[:6]))) == [
        f"baseline: optimizer=sgd ({folders[0]})",
        "beside a verdict stands the 95 % interval of the difference (Welch) to the baseline",
        dirty,
    ]
    folders += [made("there", "adam", 9, device="a GPU", commit=None), made("clean", "nag", 9, commit="abcdef0123456")]
    assert list(notes(compared(folders)))[2:] == [
        "each interval stands alone: among 2, at least one misses its true difference by chance in up to 10 % of"
        " tables",
        "times are of different devices: this CPU; a GPU",
        "the runs are of 3 commits: abcdef0123+dirty, none, abcdef0123",
        dirty,
    ]
    assert not any(line.startswith("+dirty") for line in notes(compared(folders[-1:])))


def test_markdown_has_the_notes_beneath_it(made: Made) -> None:
    found = compared(four(made))
    table, told = as_markdown(found).split("\n\n")
    assert table.count("\n") == 5
    assert told.splitlines() == [f"- {note}" for note in notes(found)]
