"""Corrupted data against published counts, closed forms and a confusion matrix; what is off changes nothing."""

from typing import Any

import pytest
import torch

from temper.data.corruption import corrupt
from temper.facts import Examples, Splits

CLASSES = 10
# Images of each class in the long-tailed CIFAR-10 of the literature, at a ratio of 100.
LONG_TAIL = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
OFF = {"label_noise": None, "imbalance": None, "input_noise": None}


def splits(each: int = 200, *, pixels: bool = True, note: str | None = None) -> Splits:
    generator = torch.Generator().manual_seed(0)

    def examples(each: int) -> Examples:
        labels = torch.arange(CLASSES).repeat(each)
        shape = (len(labels), 1, 2, 2) if pixels else (len(labels), 4)
        values = torch.randint(0, 256, shape, generator=generator)
        return Examples(values.to(torch.uint8) if pixels else values.float(), labels)

    names = tuple("0123456789")
    return Splits(train=examples(each), validation=examples(20), test=examples(30), class_names=names, note=note)


def same(one: Examples | None, other: Examples | None) -> bool:
    assert one is not None
    assert other is not None
    return one.inputs.equal(other.inputs) and one.targets.equal(other.targets)


def test_off_is_off() -> None:
    before = splits(note="a note")
    after = corrupt(before, **OFF)  # type: ignore[arg-type]
    assert (after.train, after.validation, after.test) == (before.train, before.validation, before.test)
    assert after.note == "a note"


def test_the_long_tail_is_that_of_the_literature() -> None:
    before = splits(5000)
    after = corrupt(before, label_noise=None, imbalance=100.0, input_noise=None)
    assert after.train.targets.bincount().tolist() == LONG_TAIL
    assert same(after.test, before.test)
    assert same(after.validation, before.validation)
    with pytest.raises(ValueError, match=r"data\.imbalance=5000\.5 leaves the last class none.*at most 5000"):
        corrupt(before, label_noise=None, imbalance=5000.5, input_noise=None)


def test_the_ratio_holds_where_classes_differ() -> None:
    before = splits(100)
    kept = torch.cat([torch.arange(1000), torch.arange(0, 1000, 10)])  # twice as many of class 0
    uneven = Splits(
        train=Examples(before.train.inputs[kept], before.train.targets[kept]),
        validation=None,
        test=before.test,
        class_names=before.class_names,
    )
    counts = corrupt(uneven, label_noise=None, imbalance=10.0, input_noise=None).train.targets.bincount()
    assert (int(counts[0]), int(counts[9])) == (100, 10)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.333, 1.0])
def test_so_many_training_labels_become_other_ones(share: float) -> None:
    before = splits(note="a note")
    after = corrupt(before, label_noise=share, imbalance=None, input_noise=None)
    wrong = int((after.train.targets != before.train.targets).sum())
    assert wrong == round(share * 2000)
    assert after.train.inputs.equal(before.train.inputs)
    assert same(after.test, before.test)
    assert same(after.validation, before.validation)
    assert after.note == f"a note; label_noise={share:g}: {wrong} of 2000 training labels are wrong"


def test_wrong_labels_are_spread_evenly() -> None:
    before = splits(2000)
    after = corrupt(before, label_noise=0.45, imbalance=None, input_noise=None).train.targets
    confusion = torch.zeros(CLASSES, CLASSES).index_put_(
        (before.train.targets, after), torch.tensor(1.0), accumulate=True
    )
    expected = torch.full((CLASSES, CLASSES), 2000 * 0.05) + torch.eye(CLASSES) * 2000 * 0.5
    assert ((confusion - expected).abs() < 5 * expected.sqrt()).all()


def test_noise_has_its_deviation_in_every_split() -> None:
    before = splits(2000, pixels=False)
    after = corrupt(before, label_noise=None, imbalance=None, input_noise=0.5)
    assert before.validation is not None
    assert after.validation is not None
    for clean, noised in (
        (before.train, after.train),
        (before.validation, after.validation),
        (before.test, after.test),
    ):
        noise = noised.inputs - clean.inputs
        assert noise.mean().item() == pytest.approx(0, abs=3 / noise.numel() ** 0.5)
        assert noise.std().item() == pytest.approx(0.5, rel=4 / noise.numel() ** 0.5)
        assert noised.targets.equal(clean.targets)
    assert not (after.validation.inputs - before.validation.inputs)[:50].equal(
        (after.test.inputs - before.test.inputs)[:50]
    )


@pytest.mark.parametrize("one_by_one", [False, True])
def test_no_two_images_have_the_same_noise(one_by_one: bool) -> None:
    grey = Examples(torch.full((60, 1, 6, 6), 128, dtype=torch.uint8), torch.arange(60) % CLASSES)
    made = corrupt(
        Splits(train=grey, validation=grey, test=grey, class_names=tuple("0123456789")),
        **{**OFF, "input_noise": 0.1},  # type: ignore[arg-type]
        one_by_one=one_by_one,
    )
    assert made.validation is not None
    noised = torch.cat([made.train.inputs, made.validation.inputs, made.test.inputs])
    assert len(noised.flatten(1).unique(dim=0)) == 180
    assert (noised.float() - 128).std().item() == pytest.approx(25.5, rel=0.05)


def test_pixels_stay_pixels() -> None:
    before = splits(500)
    after = corrupt(before, label_noise=None, imbalance=None, input_noise=0.1).train
    assert after.inputs.dtype == torch.uint8
    middle = (before.train.inputs > 110) & (before.train.inputs < 145)  # four deviations from either end
    moved = after.inputs.int() - before.train.inputs.int()
    assert moved[middle].float().std().item() == pytest.approx(25.5, rel=0.05)
    loud = corrupt(before, label_noise=None, imbalance=None, input_noise=1e4).train.inputs
    assert loud.unique().tolist()[:: len(loud.unique()) - 1] == [0, 255]
    assert ((loud == 0) | (loud == 255)).float().mean() > 0.99


@pytest.mark.parametrize("knob", [{"label_noise": 0.3}, {"imbalance": 10.0}, {"input_noise": 0.1}])
def test_is_always_alike(knob: dict[str, Any]) -> None:
    before = splits()
    torch.manual_seed(1)
    one = corrupt(before, **{**OFF, **knob})
    torch.manual_seed(2)
    other = corrupt(before, **{**OFF, **knob})
    assert same(one.train, other.train)
    assert same(one.test, other.test)
