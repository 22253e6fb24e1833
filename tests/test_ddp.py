"""Two processes against one: the same weights after 20 steps in float64, each example counted once.

Whole weights on each process, and a part on each, against one another.
"""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from temper.command.command_line import options
from temper.command.job import Job
from temper.data import batches
from temper.data.epoch_loader import Cut
from temper.report.record import Report
from temper.run import run
from temper.training.supervised import Supervised, Verdict

HERE = Path(__file__).resolve().parent
DOUBLE = ("precision=64-true", "epochs=2", "batch_size=108", "trainer.threads=1", "flush_every=5")  # 10 steps an epoch
CASES = {
    "plain": DOUBLE,
    "accumulated": (*DOUBLE, "accumulate=3", "clip.kind=norm", "clip.value=0.05", "gradient_norm=layers"),
    "odd": (*DOUBLE[:2], "batch_size=97", "trainer.threads=1"),  # parts of 49 and 48, a last batch of 12
    "small": (*DOUBLE[:1], "epochs=1", "data.validation=0.9", "data.test=0.05", "batch_size=8", "trainer.threads=1"),
    "recomputed": (*DOUBLE, "activation_checkpointing=blocks", "accumulate=2", "groups=layer_decay"),
    "adam": (*DOUBLE, "optimizer=adam", "scheduler=one_cycle", "penalty=[l1,l2]", "clip.kind=norm", "clip.value=0.5"),
    "mixup": (*DOUBLE, "augmentation=[mixup]", "optimizer=adamw"),
    "pruned": (*DOUBLE, "pruning=magnitude", "optimizer=nesterov"),
    "channels": (*DOUBLE, "pruning=channels", "pruning.scope=global", "optimizer=momentum"),
    "low_rank": (*DOUBLE, "low_rank=truncated_svd", "low_rank.start=0.3", "averaging=ema", "accumulate=2"),
    "whole": (*DOUBLE, "quantization=dynamic", "quantization.start=0.5"),
    "ticket": (*DOUBLE, "pruning=lottery_ticket", "pruning.rounds=2", "scheduler=one_cycle", "accumulate=2"),
    "sampled": (*DOUBLE, "sampling=over", "data.imbalance=3", "data.label_noise=0.1"),
    "rmsprop": (*DOUBLE, "optimizer=rmsprop", "clip.kind=adaptive", "clip.value=0.1"),
    "adagrad": (*DOUBLE, "optimizer=adagrad", "clip.kind=value", "clip.value=0.01"),
    "regression": (
        *DOUBLE[:2],
        "task=linear_regression",
        "batch_size=30",
        "data.examples=505",
        "optimizer=sgd",
        "trainer.threads=1",
    ),
    "single": (  # one of the two ranks never has an example of its own
        *DOUBLE[:2],
        "task=linear_regression",
        "batch_size=1",
        "data.examples=40",
        "optimizer=sgd",
        "flush_every=3",
        "trainer.threads=1",
    ),
    **{  # every optimizer, 20 steps; a standardised pixel is 0 in no example, which Lion's sign of a gradient asks for
        name: (*DOUBLE, "preprocessing=[standardize]", f"optimizer={name}")
        for name in options("optimizer")
        if name not in ("adam", "adamw", "nesterov", "rmsprop", "adagrad")  # above
    },
    "poisson": (*DOUBLE, "sampling=poisson"),
    "private": (*DOUBLE, "sampling=poisson", "privacy=dp_sgd", "penalty=[l2]", "accumulate=2", "optimizer=adam"),
    "private_single": (  # a third of the batches is empty, and another third holds one example, of one rank alone
        *DOUBLE[:1],
        "epochs=1",
        "data.validation=0.9",
        "data.test=0.05",
        "batch_size=1",
        "sampling=poisson",
        "privacy=dp_sgd",
        "flush_every=5",
        "trainer.threads=1",
    ),
    "views": (  # ranks of 8 and 7 test images
        *DOUBLE[:2],
        "batch_size=20",
        "data=image_folder",
        "data.root=IMAGES",
        "data.test=0.25",
        "preprocessing=[normalize]",
        "trainer.threads=1",
        "test_time_augmentation=mirror_and_shift",
    ),
    "averaged": (*DOUBLE, "averaging=ema", "optimizer=adam"),
    "growing": (*DOUBLE, "batch_growth=multiply", "batch_growth.every=1"),
    "stopped": (*DOUBLE[:1], "epochs=9", "batch_size=108", "stopping=[target]", "target=0.5", "trainer.threads=1"),
    "plateau": (
        *DOUBLE,
        "epochs=4",
        "scheduler=plateau",
        "scheduler.patience=0",
        "scheduler.threshold_mode=abs",
        "scheduler.threshold=9",
    ),
    "flat": (  # ends in the middle of an epoch
        *DOUBLE[:1],
        *("epochs=9", "task=linear_regression", "batch_size=30", "data.examples=505", "optimizer=sgd"),
        *("stopping=[gradient_norm]", "stopping.gradient_norm.bound=1.0", "flush_every=4", "trainer.threads=1"),
    ),
    "timed": (*DOUBLE, "stopping=[wall_time]", "stopping.wall_time.minutes=1e-9"),
    "resumed": (*DOUBLE, "checkpoint_seconds=1e-9", "augmentation=[mixup]"),  # cut off after 13 steps, started again
}
TAUGHT = ("distillation=[logits]", "distillation.logits.teacher=PLAIN", "distillation.logits.weight=0.5")
CASES |= {  # taught by the first case
    "uncertainty": (*DOUBLE, *TAUGHT, "weighting=uncertainty", "optimizer=adam"),
    "gradnorm": (*DOUBLE, *TAUGHT, "weighting=gradnorm", "accumulate=3"),
    "hints": (  # whose regressor is trained too
        *DOUBLE,
        "distillation=[hints,dkd]",
        *(f"distillation.{name}.{knob}" for name in ("hints", "dkd") for knob in ("teacher=PLAIN", "weight=0.3")),
        "accumulate=2",
    ),
    "dynamic_weight_average": (*DOUBLE, *TAUGHT, "epochs=3", "weighting=dynamic_weight_average"),
}
TAKEN = (*DOUBLE, "transfer=checkpoint", "transfer.run=PLAIN")
CASES |= {  # from the weights of the first case
    "frozen": (*TAKEN, "transfer.freeze=1", "optimizer=adamw", "penalty=[l2]"),
    "unfrozen": (*TAKEN, "transfer.freeze=backbone", "transfer.unfreeze=4steps", "accumulate=3", "clip.kind=norm"),
}
IMAGES = (  # batch norm sees each rank's examples by themselves: two ranks are held against two
    *DOUBLE[:1],
    "epochs=2",
    "batch_size=20",
    "task=cifar_resnet",
    "task.depth=8",
    "task.width=0.25",
    "data=image_folder",
    "task.stochastic_depth=0.5",
    "task.dropout=0.2",
    "trainer.threads=1",
)
OF_TWO = {"kept": IMAGES, "recomputed_blocks": (*IMAGES, "activation_checkpointing=blocks")}
ON = ("trainer=fsdp",)
SHARDED = (  # what does not go entry by entry, or looks at weights or gradients beside the optimizer
    *("accumulated", "odd", "recomputed", "adam", "rmsprop", "regression", "single", "averaged", "unfrozen", "kept"),
    *("muon", "lamb", "lars", "sam", "lookahead", "schedule_free_adamw", "plateau"),
)
CUT = {"resumed": ((), ()), "gone_on_whole": (ON, ()), "gone_on_sharded": ((), ON)}  # each start's own words
CASES |= {"gone_on_whole": CASES["averaged"], "gone_on_sharded": CASES["averaged"]}
EXAMPLES = {"views": (15, 33, 12), "plain": (359, 1079, 359), "regression": (101, 303, 101)}  # test, train, val


def weights(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


def words_of(name: str, folders: dict[str, Path]) -> list[str]:
    plain = folders["plain"]
    return [
        word.replace("=PLAIN", f"={plain}").replace("=IMAGES", f"={plain.parent / 'images'}") for word in CASES[name]
    ]


def start_two_ranks(cases: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": "test",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
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
    try:
        printed = [rank.communicate(timeout=600)[0] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(printed)[-4000:]


def write_images(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    for row in range(60):
        (folder / f"kind_{row % 3}").mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(0, 255, (16, 16, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"kind_{row % 3}" / f"{row}.png")


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if "PYTEST_XDIST_WORKER" in os.environ:  # one start of the group serves all: a second one, of a worker's, fails
        (tmp_path_factory.getbasetemp().parent / "two_ranks").touch(exist_ok=False)
    folder = tmp_path_factory.mktemp("two")
    write_images(folder / "images")
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
            if key not in ("fused", "seconds", "tally"):
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
    kept, recomputed = (weights(two_ranks[name]) for name in OF_TWO)
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
