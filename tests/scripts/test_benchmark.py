import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.scripts.conftest import load

from temper.benchmark.case import CIFAR, Case, NoisyCIFAR10, Stopwatch, ratio, take_turns
from temper.benchmark.data import DATA, our_batches, torchvision_batches
from temper.benchmark.memory import kept_bytes, measure_memory
from temper.benchmark.smaller import SMALLER
from temper.benchmark.step import STEP, Epochs, largest_difference
from temper.data.cifar10 import CIFAR10
from temper.facts import Examples, Splits

benchmark = load("benchmark")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*LeafSpec:FutureWarning")


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Callable[[NoisyCIFAR10], Splits] = NoisyCIFAR10.splits

    def splits(self: NoisyCIFAR10) -> Splits:
        made = whole(self)
        few = Examples(made.train.inputs[:300], made.train.targets[:300])
        return Splits(train=few, validation=None, test=few, class_names=made.class_names)

    monkeypatch.setattr(NoisyCIFAR10, "splits", splits)


@pytest.mark.parametrize("name", ["digits_mlp", "linear_regression"])
def test_the_loop_by_hand_computes_the_same_losses(name: str) -> None:
    assert largest_difference(STEP[name], "data/") < 1e-5


def test_the_loop_by_hand_computes_the_same_losses_on_images(tmp_path: Path) -> None:
    assert largest_difference(STEP["resnet20"], str(tmp_path), steps=3) < 1e-5


def test_the_loop_by_hand_computes_the_same_losses_of_the_record(tmp_path: Path) -> None:
    assert largest_difference(STEP["cifar10_94"], str(tmp_path), steps=9) < 1e-5  # two steps of four micro-batches


def test_another_target_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    iterate = Epochs.__iter__
    monkeypatch.setattr(Epochs, "__iter__", lambda self: ((x, y + 0.01) for x, y in iterate(self)))
    assert largest_difference(STEP["linear_regression"], "data/", steps=5) > 1e-5


def test_turns_are_taken_and_neighbours_compared() -> None:
    order: list[str] = []

    def block(name: str, seconds: float) -> Callable[[], float]:
        return lambda: (order.append(name), seconds * len(order))[1]

    taken = take_turns({"a": block("a", 1.0), "b": block("b", 1.0)}, rounds=3)
    assert order == ["a", "b"] * 3
    assert taken == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert ratio([2, 9, 3], [1, 3, 1]) == 3


def test_a_stopwatch_leaves_the_warm_up_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("temper.benchmark.case.time.perf_counter", lambda: now[0])
    costs = [100.0, 100.0, 100.0] + [0.5] * 100

    def steps() -> Any:
        for cost in costs:
            now[0] += cost
            yield

    assert Stopwatch(2.0).run(steps()) == pytest.approx(0.5)
    assert now[0] == pytest.approx(302.0)
    with pytest.raises(RuntimeError, match="5 steps took less than 60 s: give fewer --seconds"):
        Stopwatch(60.0).run(itertools.islice(steps(), 5))


@pytest.mark.parametrize("name", DATA)
def test_the_rivals_make_batches_of_one_kind(tmp_path: Path, name: str) -> None:
    case = Case.of((*CIFAR, f"augmentation={DATA[name]}"), str(tmp_path))
    assert isinstance(case.experiment.data, CIFAR10)
    case.batches.setup("fit")
    ours, targets = next(our_batches(case))
    assert ours.shape == (128, 3, 32, 32)
    for as_pil in (True, False):
        theirs, others = next(torchvision_batches(case, as_pil=as_pil))
        assert theirs.shape == ours.shape
        assert theirs.dtype == ours.dtype
        assert others.shape == targets.shape
        assert (ours.mean() - theirs.mean()).abs() < 0.1
        if name != "crop_flip_normalise_mixup":  # where the rivals draw one share a batch
            assert theirs.std().item() == pytest.approx(ours.std().item(), rel=0.05)


def test_the_last_line_of_step_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["step", "--only", "linear_regression", "--seconds", "0.02", "--rounds", "1"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "step"
    assert found["ratio_step"].keys() == found["ratio_floor"].keys() == {"linear_regression"}
    assert found["ratio_step"]["linear_regression"] > 0
    assert found["loss_difference"]["linear_regression"] < 1e-5


def test_the_last_line_of_data_is_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--only", "crop_flip_normalise", "--seconds", "0.02", "--rounds", "1", "--root", str(tmp_path)]
    benchmark.main(["data", *words])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "data"
    assert found["ratio"]["crop_flip_normalise"] > 0
    assert found["images_per_second"]["crop_flip_normalise"].keys() == {"ours", "pil", "v2"}


def test_the_bar_has_a_share_of_a_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    benchmark.main(["step", "--only", "bar", "--seconds", "0.05", "--rounds", "1", "--root", str(tmp_path)])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 < found["bar_share"] < 1
    assert found["ratio_bar"] > 0


# Of resnet20: stem, projections and head stay; 16 convolutions of one size and 2 of half of it are halved.
RESNET20 = 442_368 + 2 * 131_072 + 640, 17 * 2_359_296
WIDE = 64 * 512 + 512 * 10, 512 * 512
LOW = 16 * (64 + 512) + 128 * (512 + 512) + 512 * 10
# By the width w of a stage, with w/4 filters, or 3w/4 vertical ones; of a stage's first layer they read w/2 channels.
INNER = [(count * pixels, width) for count, pixels, width in ((6, 1024, 16), (5, 256, 32), (5, 64, 64))]
CHANNEL = 1024 * 4 * (27 + 16) + sum(times * (width // 4) * (9 * width + width) for times, width in INNER)
CHANNEL += sum(pixels * width // 4 * (9 * width // 2 + width) for pixels, width in ((256, 32), (64, 64)))
CHANNEL += sum(pixels * width // 8 * (width // 2 + width) for pixels, width in ((256, 32), (64, 64))) + 640
SPATIAL = 1024 * 2 * (9 + 48) + sum(times * (3 * width // 4) * 6 * width for times, width in INNER)
SPATIAL += sum(
    pixels * 3 * width // 8 * (2 * 3 * width // 2 + 3 * width) + pixels * width // 8 * (width // 2 + width)
    for pixels, width in ((256, 32), (64, 64))
)
SPATIAL += 640


@pytest.mark.parametrize(
    ("name", "share", "low"),
    [
        ("digits_wide", (WIDE[0] / 2 + WIDE[1] / 4) / sum(WIDE), {"channel": LOW / sum(WIDE)}),
        (
            "resnet20",
            (RESNET20[0] + RESNET20[1] / 2) / sum(RESNET20),
            {"channel": CHANNEL / sum(RESNET20), "spatial": SPATIAL / sum(RESNET20)},
        ),
    ],
)
def test_the_last_line_of_smaller_is_json(
    name: str,
    share: float,
    low: dict[str, float],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SMALLER, "digits_wide", (SMALLER["digits_wide"][0], "task.hidden=[512,512]"))  # in less time
    benchmark.main(["smaller", "--only", name, "--seconds", "0.02", "--rounds", "1", "--root", str(tmp_path)])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == "smaller"
    assert found["ratio_time"][name].keys() == {"1", "128"}
    assert found["ratio_multiply_adds"][name] == pytest.approx(share, abs=1e-3)
    assert 0 < found["ratio_parameters"][name] < 0.6
    for scheme in ("channel", "spatial"):
        figures = found["low_rank"][scheme]
        assert figures["ratio_multiply_adds"] == ({name: pytest.approx(low[scheme], abs=1e-3)} if scheme in low else {})
        assert all(each.keys() == {"1", "128"} for each in figures["ratio_time"].values())
        assert all(0 < each < 0.6 for each in figures["ratio_parameters"].values())
    assert found["int8"]["ratio_time"][name].keys() == {"1", "128"}
    assert 0.25 < found["int8"]["ratio_bytes"][name] < 0.28
    assert found["int8"]["ratio_multiply_adds"][name] == 1


def test_the_last_line_of_recipe_is_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.benchmark.recipe.PEAK_SECONDS", 0.05)
    benchmark.main(["recipe", "baseline/digits_mlp", "epochs=2", "trainer.threads=1"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    steps_examples = 2 * 1079
    assert found["recipe"] == "baseline/digits_mlp"
    assert found["examples_per_second"] * found["seconds"] == pytest.approx(steps_examples)
    # Forward and twice backward, but for the gradient of the first layer's inputs, 64 by 128.
    assert found["multiply_adds"] == steps_examples * (3 * 17_024 - 64 * 128)
    assert 0 < found["share_of_peak"] < 1
    assert found["metrics"]["test/accuracy"] > 0.5
    assert 0 <= found["resident_bytes_over_imports"] < 2e9  # 0 where earlier tests held more


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["step", "--only", "resnet99"], "--only resnet99: step has digits_mlp"),
        (["data", "--only", "bar"], "--only bar: data has crop_flip_normalise"),
        (["step", "--seconds", "0"], "--seconds must be > 0"),
        (["step", "--rounds", "0"], "--rounds at least 1"),
        (["recipe", "baseline/digits_mlp", "--rounds", "9"], "`recipe` trains one run"),
        (["recipe"], "recipe baseline/digits_mlp"),
        (["data", "baseline/digits_mlp"], "belongs to `recipe`"),
        (["recipe", "baseline/digit_mlp"], "baseline/digits_mlp"),
        (["recipe", "baseline/digits_mlp", "optimizer.lr=-1"], "optimizer.lr=-1"),
    ):
        with pytest.raises(SystemExit):
            benchmark.main(words)
        assert said in capsys.readouterr().err


def test_kept_bytes_of_a_perceptron_by_hand() -> None:
    layers = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2), torch.nn.Tanh())
    # Its inputs, what each tanh makes (which the second layer takes in), in float32.
    assert kept_bytes(layers, torch.randn(7, 3)) == 4 * 7 * (3 + 5 + 2)


def test_memory_is_less_and_the_figures_agree(tmp_path: Path) -> None:
    _, found = measure_memory(["resnet20"], str(tmp_path), seconds=0.01, rounds=1)
    size = found["kept_bytes"]["resnet20"]
    assert found["ratio_memory"]["resnet20"] == pytest.approx(size["blocks"] / size["all"], abs=1e-3)
    assert size["blocks"] < 0.4 * size["all"]
    assert found["ratio_step"]["resnet20"] > 0
