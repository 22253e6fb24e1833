"""What a data set's knobs do to good data, so that remedies can be shown: always alike, whatever the run's seed.

    imbalance    a long tail (Cao et al., 2019, arXiv:1906.07413): class k of K keeps n · imbalance^(-k / (K - 1))
                 training examples, n the size of the smallest class, so that the first has imbalance times the last
    label_noise  symmetric noise (Patrini et al., 2017, arXiv:1609.03683): this share of the training labels, those of
                 the tail where there is one, becomes another class, each other one with the same chance
    input_noise  x + input_noise · range · ε, ε standard normal; in every split; the range of pixels is 255, to which
                 they are rounded and cut, and that of rows of numbers 1, or each column's own

Validation and test keep their classes and their labels: the score says what was learned in spite of the corruption.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from temper.data.pictures import Pictures
from temper.data.split import rows
from temper.facts import Examples, Splits

_SEEDS = {"imbalance": 1, "label_noise": 2, "train": 3, "validation": 4, "test": 5}
_AT_ONCE = 4096  # examples: bounds the memory that noise takes


def corrupt(
    splits: Splits,
    *,
    label_noise: float | None,
    imbalance: float | None,
    input_noise: float | None,
    ranges: Tensor | None = None,
    one_by_one: bool = False,
) -> Splits:
    """Return ``splits`` corrupted; None leaves out a corruption, and the draws of the others as they are.

    Args:
        splits: the data set.
        label_noise: share of the training labels.
        imbalance: ratio of the first class to the last.
        input_noise: its deviation.
        ranges: of the columns of rows of numbers, (features,); None for 1.
        one_by_one: whether each image's noise is drawn for itself, so that it is the same in memory and from disk.

    Raises:
        ValueError: ``imbalance`` would leave the last class without examples.
    """
    classes = len(splits.class_names)
    notes = [splits.note] if splits.note else []
    if imbalance is not None:
        splits = replace(splits, train=long_tailed(splits.train, classes, imbalance))
    if label_noise is not None:
        splits = replace(splits, train=mislabelled(splits.train, classes, label_noise))
        wrong = round(label_noise * len(splits.train))
        notes.append(f"label_noise={label_noise:g}: {wrong} of {len(splits.train)} training labels are wrong")
    if input_noise is not None:
        splits = _each_noisy(splits, input_noise, ranges, one_by_one)
    return replace(splits, note="; ".join(notes) or None)


def long_tailed(examples: Examples, classes: int, ratio: float) -> Examples:
    """Return ``examples`` with fewer and fewer of each class, of the last a ``ratio``-th of those of the first.

    Raises:
        ValueError: the last class would have none.
    """
    smallest = int(torch.bincount(examples.targets, minlength=classes).min())
    if ratio > smallest:
        raise ValueError(
            f"data.imbalance={ratio:g} leaves the last class none of its {smallest} examples: it is at most {smallest}"
        )
    order = torch.randperm(len(examples), generator=_generator("imbalance"))
    kept = []
    for label in range(classes):
        count = int(smallest * ratio ** (-label / max(1, classes - 1)) + 1e-9)  # 100 · 10^-1 is 10, not 9.99...
        kept.append(order[examples.targets[order] == label][:count])
    return rows(examples, torch.cat(kept))


def mislabelled(examples: Examples, classes: int, share: float) -> Examples:
    """Return ``examples`` of which ``share``, rounded to a whole number, bear a wrong label."""
    generator = _generator("label_noise")
    wrong = torch.randperm(len(examples), generator=generator)[: round(share * len(examples))]
    targets = examples.targets.clone()
    targets[wrong] = (targets[wrong] + torch.randint(1, classes, (len(wrong),), generator=generator)) % classes
    return replace(examples, targets=targets)


def noisy(examples: Examples, deviation: float, generator: Generator, ranges: Tensor | None = None) -> Examples:
    """Return ``examples`` with Gaussian noise on their inputs.

    ``deviation`` is in units of 255 for uint8, else of ``ranges`` (features,), or of 1.
    """
    chunks = [_noisy(chunk, deviation, generator, ranges) for chunk in torch.split(examples.inputs, _AT_ONCE)]
    return replace(examples, inputs=torch.cat(chunks))


def noisy_image(image: Tensor, row: int, *, deviation: float, seed: int) -> Tensor:
    """Return a uint8 image (c, h, w) with the Gaussian noise that is that of ``row``."""
    return _noisy(image, deviation, torch.Generator().manual_seed(seed * 1_000_003 + row))


def _noisy(inputs: Tensor, deviation: float, generator: Generator, ranges: Tensor | None = None) -> Tensor:
    noise = torch.randn(inputs.shape, generator=generator) * deviation
    if inputs.dtype == torch.uint8:
        return (inputs + 255 * noise).round_().clamp_(0, 255).to(torch.uint8)
    return inputs + (noise if ranges is None else noise * ranges)


def _each_noisy(splits: Splits, deviation: float, ranges: Tensor | None, one_by_one: bool) -> Splits:
    def noised(part: str) -> Examples | None:
        examples: Examples | None = getattr(splits, part)
        if examples is None:
            return None
        if not one_by_one:
            return noisy(examples, deviation, _generator(part), ranges)
        change = partial(noisy_image, deviation=deviation, seed=_seed(part))
        held: Any = examples.inputs
        if isinstance(held, Pictures):
            changed: Any = held.changed(change)
            return replace(examples, inputs=changed)
        return replace(examples, inputs=torch.stack([change(image, row) for row, image in enumerate(held)]))

    train, test = noised("train"), noised("test")
    assert train is not None
    assert test is not None
    return replace(splits, train=train, validation=noised("validation"), test=test)


def _generator(purpose: str) -> Generator:
    return torch.Generator().manual_seed(_seed(purpose))


def _seed(purpose: str) -> int:
    return 20240301 + _SEEDS[purpose]
