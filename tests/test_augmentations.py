"""What every augmentation keeps, whatever it does: shape, type, range, the arguments, and each image by itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from temper.command.command_line import options
from temper.command.job import Job
from temper.experiment import make
from temper.recipes import CONF
from temper.strategy import Augmentation
from temper.training.build import build_batches

NAMES = [name for name in options("augmentation") if name != "none"]
SHAPES = [(3, 32, 32), (1, 28, 28), (3, 7, 33), (3, 1, 1), (1, 2, 5), (27, 9, 8)]
KINDS = [torch.uint8, torch.float32, torch.float64]


def augmentation(name: str) -> Augmentation:
    (made,) = make(OmegaConf.to_container(OmegaConf.load(CONF / "augmentation" / f"{name}.yaml")), "").values()
    assert isinstance(made, Augmentation)
    return made


def varied(step: Augmentation, inputs: torch.Tensor, targets: torch.Tensor, drawn: Any) -> Any:
    recalled = step.recall(torch.linspace(0, 0.99, len(inputs)), 1) if step.recalls else {}
    return step.apply(inputs, targets, drawn | recalled)


def test_finds_what_there_is() -> None:
    assert len(NAMES) >= 14


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_shape_type_range_and_arguments_stay(name: str, kind: torch.dtype) -> None:
    step = augmentation(name)
    if step.wants == ("values" if kind == torch.uint8 else "pixels"):
        return
    for shape in SHAPES:
        for count in (1, 2, 9):
            inputs = torch.randint(0, 256, (count, *shape)).to(kind)
            inputs = inputs if kind == torch.uint8 else inputs / 255
            targets = torch.rand(count, 4)
            before = inputs.clone(), targets.clone()
            drawn = step.draw([count], shape, torch.Generator().manual_seed(3))
            made, goals = varied(step, inputs, targets, drawn)
            assert (made.shape, made.dtype, goals.shape) == (inputs.shape, kind, targets.shape)
            assert torch.equal(inputs, before[0])
            assert torch.equal(targets, before[1])
            assert all(len(values) == count for values in drawn.values())
            if kind != torch.uint8:
                assert -1e-5 <= made.min() <= made.max() <= 1 + 1e-5
            if not step.mixes:
                assert torch.equal(goals, targets)
            elif count == 1:  # its own partner
                torch.testing.assert_close((made, goals), (inputs, targets))
            else:
                assert targets.min() <= goals.min() <= goals.max() <= targets.max()


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_varied_alike_in_any_company(name: str) -> None:
    step = augmentation(name)
    inputs = torch.randint(0, 256, (6, 3, 11, 8), dtype=torch.uint8)
    inputs = inputs / 255 if step.wants == "values" else inputs
    drawn = step.draw([1] * 6, (3, 11, 8), torch.Generator().manual_seed(5))
    drawn |= step.recall(torch.rand(6), 0) if step.recalls else {}
    targets = torch.rand(6, 2)
    whole, goals = step.apply(inputs, targets, drawn)
    for row in range(6):
        mine = {key: values[row : row + 1] for key, values in drawn.items()}
        made, goal = step.apply(inputs[row : row + 1], targets[row : row + 1], mine)
        torch.testing.assert_close(made[0], whole[row], atol=0 if made.dtype == torch.uint8 else 1e-6, rtol=0)
        torch.testing.assert_close(goal[0], goals[row])


SOFT = [  # words, what a target becomes
    (("data=mnist", "augmentation=[cutmix,mixup]"), "rows"),
    (("data=mnist", "augmentation=[crop,rotation,rand_augment,color_jitter]"), "classes"),
    (("data=mnist", "augmentation=[rotation,cutout,random_erasing,scaling,mixup]", "batch_size=1"), "rows"),
    (("task=mlp", "data=tanh_threshold", "loss=binary_cross_entropy", "augmentation=[mixup]"), "values"),
    (("task=mlp", "data=diabetes", "loss=mse", "augmentation=[mixup]"), "values"),
    (("data=image_folder", "data.root=two", "loss=binary_cross_entropy", "augmentation=[cutmix,mixup]"), "values"),
]


@pytest.mark.parametrize(
    ("words", "become"), SOFT, ids=lambda each: " ".join(each) if isinstance(each, tuple) else each
)
def test_targets_mix_as_their_kind_allows(
    words: tuple[str, ...], become: str, small_data: None, job_of: Callable[..., Job], tmp_path: Any
) -> None:
    if "data.root=two" in words:
        (tmp_path / "two").mkdir()
        for kind in ("kind_0", "kind_1"):
            (tmp_path / "my_photos" / kind).rename(tmp_path / "two" / kind)
    task = () if any(word.startswith("task=") for word in words) else ("task=mlp", "preprocessing=[normalize]")
    batches = build_batches(job_of(*task, *words).experiment)
    batches.setup("fit")
    batch = next(iter(batches.train_dataloader()))
    inputs, targets = batches.augment(batch)
    assert inputs.dtype == torch.float32
    assert inputs.isfinite().all()
    if become == "classes":
        assert torch.equal(targets, batch.targets)
    elif become == "rows":
        torch.testing.assert_close(targets.sum(1), torch.ones(len(targets)))
        assert targets.shape == (len(batch.targets), 10)
    else:
        assert targets.shape == batch.targets.shape
        assert targets.dtype == torch.float32
        assert batch.targets.min() <= targets.min() <= targets.max() <= batch.targets.max()
        assert not torch.equal(targets, batch.targets)
