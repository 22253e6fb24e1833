"""Two processes against one: the same weights after 20 steps in float64, each example counted once.

Whole weights on each process, and a part on each, against one another.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from tests.conftest import write_photos
from tests.processes import free_port, printed_by
from tests.rank_cases import CASES, CUT, EXAMPLES, OF_TWO, ON, SHARDED

from temper.command.job import Job
from temper.data import batches
from temper.data.epoch_loader import Cut
from temper.report.record import Report
from temper.run import run
from temper.training.supervised import Supervised, Verdict

HERE = Path(__file__).resolve().parent


def weights(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


def words_of(name: str, folders: dict[str, Path]) -> list[str]:
    plain = folders["plain"]
    return [
        word.replace("=PLAIN", f"={plain}").replace("=IMAGES", f"={plain.parent / 'images'}") for word in CASES[name]
    ]


def start_two_ranks(cases: Path) -> None:
    common = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(HERE.parent),
    }
    ranks = [
        subprocess.Popen(
            [sys.executable, str(HERE / "two_ranks.py"), str(cases)],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    printed_by(ranks, seconds=600)


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if "PYTEST_XDIST_WORKER" in os.environ:  # one start of the group serves all: a second one, of a worker's, fails
        (tmp_path_factory.getbasetemp().parent / "two_ranks").touch(exist_ok=False)
    folder = tmp_path_factory.mktemp("two")
    write_photos(folder / "images")
    sharded = {f"sharded_{name}": name for name in SHARDED}
    folders = {name: folder / name for name in (*CASES, *OF_TWO, *sharded)}
    cases = folder / "cases.json"
    asked = {name: words_of(name, folders) for name in CASES}
    asked |= {name: (*words, f"data.root={folder / 'images'}") for name, words in OF_TWO.items()}
    starts = {name: [(*words, *own) for own in CUT.get(name, ((),))] for name, words in asked.items()}
    starts |= {name: [(*asked[plain], *ON)] for name, plain in sharded.items()}
    cases.write_text(json.dumps({name: (each, str(folders[name])) for name, each in starts.items()}))
    start_two_ranks(cases)
    return folders | {name: cases.with_suffix(f".{name}") for name in ("counted", "means")}


@pytest.mark.parametrize("name", CASES)
def test_two_processes_take_the_steps_of_one(
    name: str, two_ranks: dict[str, Path], job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "augmentation=[mixup]" in CASES[name]:  # partners lie within a rank: the one process cuts alike
        monkeypatch.setattr("temper.training.build.Batches", partial(batches.Batches, parts=Cut(world=2)))
    job = job_of(*words_of(name, two_ranks), "trainer=cpu")
    report = run(job)
    one, two = weights(job.folder), weights(two_ranks[name])
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=1e-8, msg=lambda text, key=key: f"{key}: {text}")
    other = Report.load(two_ranks[name])
    assert other.attempts[-1].last_step == report.attempts[-1].last_step
    assert other.stopped == report.stopped
    assert (report.stopped is not None) == (name in ("stopped", "flat", "timed"))
    assert other.privacy == report.privacy
    assert len(other.attempts) == len(CUT.get(name, ((),)))
    for metric, value in report.metrics.items():
        assert other.metrics[metric] == pytest.approx(value, abs=1e-6), metric


@pytest.mark.parametrize("name", SHARDED)
def test_a_part_of_every_weight_on_each_process_takes_the_steps_of_whole_ones(
    name: str, two_ranks: dict[str, Path]
) -> None:
    whole, parts = (
        torch.load(two_ranks[each] / "checkpoints" / "last.ckpt", weights_only=True)
        for each in (name, f"sharded_{name}")
    )
    for key in ("state_dict", "optimizer_states", "callbacks", "global_step"):
        found, wanted = (dict(flat(each[key])) for each in (parts, whole))
        assert found.keys() == wanted.keys()
        for place, value in wanted.items():
            torch.testing.assert_close(
                found[place], value, rtol=0, atol=1e-8, msg=lambda text, at=place: f"{at}: {text}"
            )
    reports = [Report.load(two_ranks[each]) for each in (name, f"sharded_{name}")]
    assert reports[1].metrics == pytest.approx(reports[0].metrics, abs=1e-6)
    assert reports[1].complexity.parameters == reports[0].complexity.parameters


def flat(held: object, place: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield each tensor of a checkpoint, and each number that is no time, by where it lies."""
    if isinstance(held, torch.Tensor):
        yield place, held
    elif isinstance(held, dict):
        for key, value in held.items():
            if key not in ("fused", "foreach", "seconds", "tally"):
                yield from flat(value, f"{place}.{key}")
    elif isinstance(held, list | tuple):
        for number, value in enumerate(held):
            yield from flat(value, f"{place}.{number}")
    elif isinstance(held, int | float):
        yield place, torch.tensor(held, dtype=torch.float64)


def test_clipping_cuts_and_the_norm_is_that_of_all_ranks(
    two_ranks: dict[str, Path], job_of: Callable[..., Job]
) -> None:
    job = job_of(*CASES["accumulated"], "trainer=cpu")
    run(job)
    one, two = (
        [row for row in csv.DictReader((folder / "metrics.csv").read_text().splitlines()) if row["gradient_norm"]]
        for folder in (job.folder, two_ranks["accumulated"])
    )
    assert len(one) >= 4
    for row, other in zip(one, two, strict=True):
        norms = [name for name in row if name.startswith("gradient_norm")]
        assert len(norms) == 4
        assert float(row["gradient_norm"]) > 0.05  # the bound
        assert [float(other[name]) for name in norms] == pytest.approx([float(row[name]) for name in norms], rel=1e-8)


def test_blocks_are_recomputed_alike_on_two_ranks(two_ranks: dict[str, Path]) -> None:
    kept, recomputed = (weights(two_ranks[name]) for name in ("kept", "recomputed_blocks"))
    assert [key for key in kept if not torch.equal(kept[key], recomputed[key])] == []
    assert Report.load(two_ranks["kept"]).attempts[-1].last_step >= 4


def test_means_over_views_are_those_of_one_process(
    two_ranks: dict[str, Path], job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[torch.Tensor] = []
    verdict = Supervised.verdict

    def listening(
        self: Supervised, prediction: torch.Tensor, target: torch.Tensor, mean: torch.Tensor | None = None
    ) -> Verdict:
        found.extend([] if mean is None else [mean])
        return verdict(self, prediction, target, mean)

    monkeypatch.setattr(Supervised, "verdict", listening)
    run(job_of(*words_of("views", two_ranks), "trainer=cpu"))
    ((folder, means),) = json.loads(two_ranks["means"].read_text()).items()
    assert folder == str(two_ranks["views"])
    assert len(means) == 15
    torch.testing.assert_close(torch.tensor(means, dtype=torch.float64), found[0], rtol=0, atol=1e-8)


def test_each_example_is_counted_once(two_ranks: dict[str, Path]) -> None:
    counted = json.loads(two_ranks["counted"].read_text())
    for name, sizes in EXAMPLES.items():
        assert tuple(counted[name][-3:]) == sizes
