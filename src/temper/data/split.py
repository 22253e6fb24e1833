"""How a data set is split into training, validation and test: always alike, whatever the run's seed.

up to 10 examples    the training set is validated and tested on too: parts of so few would mean nothing
more                 a fixed shuffle, stratified by class, cut into test, validation and training
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from temper.facts import Examples, Splits

TOO_FEW = 10  # examples up to which no part is set apart
_SEED = 20240229  # of every split


def check_shares(examples: int, validation: float, test: float) -> None:
    """Refuse shares of ``examples`` that leave a part empty.

    Raises:
        ValueError: names the knob, its bound and the way out.
    """
    if examples <= TOO_FEW:
        return
    for name, share in (("validation", validation), ("test", test)):
        if share and round(examples * share) < 1:
            raise ValueError(f"{name}={share} of {examples} examples is none: at least {1 / examples:.2g}, or 0")
    if round(examples * validation) + round(examples * test) >= examples:
        raise ValueError(
            f"validation={validation} and test={test} leave none of {examples} examples to train on: make them smaller"
        )


def cut(
    examples: Examples, validation: float, test: float, class_names: tuple[str, ...], *, mixed: bool = False
) -> Splits:
    """Return ``examples`` split; ``validation`` and ``test`` are shares of them, and 0 sets nothing apart.

    Each part is in the order of ``examples``, or, ``mixed``, in that of the shuffle. Without a test set the training
    set is tested on, and the note says so.
    """
    if len(examples) <= TOO_FEW:
        also = "validation and test set" if validation else "test set"
        note = f"only {len(examples)} examples: the training set is also the {also}"
        return Splits(
            train=examples,
            validation=examples if validation else None,
            test=examples,
            class_names=class_names,
            note=note,
        )
    tested, validated = round(len(examples) * test), round(len(examples) * validation)
    order = shuffled(examples.targets, stratified=bool(class_names))

    def taken(chosen: Tensor) -> Examples:
        return examples[chosen] if mixed else rows(examples, chosen)

    train = taken(order[tested + validated :])
    return Splits(
        train=train,
        validation=taken(order[tested : tested + validated]) if validated else None,
        test=taken(order[:tested]) if tested else train,
        class_names=class_names,
        note="; ".join(_notes(train, class_names, tested)) or None,
    )


def _notes(train: Examples, class_names: tuple[str, ...], tested: int) -> Iterator[str]:
    if not tested:
        yield "no test set apart (test=0): the training set is the test set"
    seen = set(train.targets.tolist()) if class_names else set()
    unseen = [name for index, name in enumerate(class_names) if index not in seen]
    if unseen:
        told = ", ".join(unseen[:6]) + " ..." * (len(unseen) > 6)
        yield f"no example to learn from is left of {told}: these have too few for every part"


def set_apart(train: Examples, count: int) -> tuple[Examples, Examples | None]:
    """Return ``train`` without ``count`` of its examples, each class's share of them, and those; None for 0."""
    if count == 0:
        return train, None
    order = shuffled(train.targets, stratified=True)
    return rows(train, order[count:]), rows(train, order[:count])


def shuffled(targets: Tensor, stratified: bool) -> Tensor:
    """Return a fixed order of the rows of ``targets`` (n,); stratified, every stretch of it has each class's share."""
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(_SEED))
    if not stratified:
        return order
    place = torch.empty(len(targets), dtype=torch.float64)  # of an example within its class, in (0, 1)
    for index in range(int(targets.max()) + 1):
        members = order[targets[order] == index]
        place[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / max(1, len(members))
    return order[place[order].argsort(stable=True)]


def rows(examples: Examples, chosen: Tensor) -> Examples:
    """Return the ``chosen`` examples, in the order of the data set."""
    return examples[chosen.sort().values]
