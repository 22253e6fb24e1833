from pathlib import Path
from threading import Thread

import pytest

from temper.cookbook import ledger
from temper.cookbook.ledger import Row, append, prune, read
from temper.refusal import Refusal


def row(seed: int = 0, digest: str = "d", recipe: str = "example/one") -> Row:
    return Row(
        recipe=recipe,
        digest=digest,
        seed=seed,
        date="2026-01-31",
        commit="abc+dirty",
        torch="2.15.0",
        lightning="2.6.6",
        device='A "quoted", comma CPU',
        threads=1,
        epochs=3,
        seconds=1.5,
        wall_seconds=None,
        metric="accuracy",
        train=1.0,
        val=None,
        test=0.1 + 0.2,
        figures={"test/accuracy": 0.1 + 0.2, "cost/seconds": 1.5, "complexity/parameters": 10},
    )


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipes" / "results.csv"
    assert read(path) == []
    assert append(row(0), path)
    assert append(row(1), path)
    assert read(path) == [row(0), row(1)]
    assert path.read_text().splitlines()[0] == ",".join(ledger.COLUMNS)


def test_a_seed_is_entered_once(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    assert append(row(), path)
    assert not append(row(), path)
    assert append(row(digest="other"), path)
    assert len(read(path)) == 2


def test_no_row_is_lost_when_many_write(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    threads = [Thread(target=append, args=(row(seed), path)) for seed in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.seed for each in read(path)) == list(range(20))


def test_prune_drops_what_is_stale_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    assert prune(lambda _: True, path) == 0
    for seed in range(3):
        append(row(seed), path)
    before = path.read_text().splitlines()
    assert prune(lambda each: each.seed == 1, path) == 1
    assert path.read_text().splitlines() == [*before[:2], before[3]], "to the letter"
    assert append(row(7), path)
    assert [each.seed for each in read(path)] == [0, 2, 7]


def test_refuses_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("recipe,score\n")
    with pytest.raises(Refusal, match=r"results\.csv: its columns are recipe, score, and must be recipe, digest"):
        read(path)


WORDS = '"{""cost/seconds"": ""long""}"'


@pytest.mark.parametrize(
    "line",
    [
        "a,b\n",
        ",".join(["x"] * len(ledger.COLUMNS)) + "\n",
        f"a,b,1,,,,,,1,3,,,accuracy,,,,{WORDS}\n",
        "a,b,1,,,,,,1,3,,,accuracy,,,,3\n",
    ],
)
def test_refuses_a_broken_line_and_names_it(line: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    append(row(), path)
    with path.open("a") as file:
        file.write(line)
    with pytest.raises(Refusal, match=r"results\.csv, line 3: not a row of results"):
        read(path)
