"""Each example against its own side in every epoch, by hand and through the batches of a run."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from temper.augmentation.alternating_flip import AlternatingFlip
from temper.command.job import Job
from temper.data.batches import Batches
from temper.training.build import build_batches


def test_sides_alternate_by_hand() -> None:
    lots = torch.tensor([0.0, 0.49, 0.5, 0.99])
    sides = [AlternatingFlip().recall(lots, epoch)["flipped"].tolist() for epoch in range(3)]
    assert sides == [[True, True, False, False], [False, False, True, True], [True, True, False, False]]


def test_mirrors_where_it_is_their_turn() -> None:
    images = torch.randint(256, (3, 2, 4, 5), dtype=torch.uint8)
    before = images.clone()
    result, _ = AlternatingFlip().apply(images, torch.zeros(3), {"flipped": torch.tensor([True, False, True])})
    assert torch.equal(result, torch.stack([before[0].flip(-1), before[1], before[2].flip(-1)]))
    assert torch.equal(images, before)


def sides(batches: Batches, epochs: int, start: tuple[int, int] = (0, 0)) -> list[dict[int, bool]]:
    """Return, for each epoch, whether each example was mirrored; the examples are told apart by their pixels."""
    examples = batches.splits.train.inputs
    plain = {row.numpy().tobytes(): number for number, row in enumerate(examples)}
    mirrored = {row.flip(-1).contiguous().numpy().tobytes(): number for number, row in enumerate(examples)}
    loader = batches.train_dataloader()
    loader.load_state_dict({"epoch": start[0], "position": start[1]})
    found: list[dict[int, bool]] = []
    for _ in range(epochs):
        seen: dict[int, bool] = {}
        for batch in loader:
            shown: Tensor = (batches.augment(batch)[0] * 255).round().to(torch.uint8)
            for image in shown:
                key = image.contiguous().numpy().tobytes()
                seen[plain.get(key, mirrored.get(key, -1))] = key in mirrored
        found.append(seen)
    return found


WORDS = ("task=cifar_resnet", "augmentation=[alternating_flip]", "preprocessing=[]", "batch_size=32", "trainer=cpu")


@pytest.fixture
def batches(job_of: Callable[..., Job], small_cifar10: None) -> Batches:
    """Return the batches of a run that only flips."""
    made = build_batches(job_of(*WORDS).experiment)
    made.setup("fit")
    return made


def test_every_example_changes_its_side_from_one_epoch_to_the_next(batches: Batches) -> None:
    first, second, third = sides(batches, 3)
    assert set(first) == set(range(len(batches.splits.train)))
    assert 0.3 < sum(first.values()) / len(first) < 0.7
    assert all(second[number] != side for number, side in first.items())
    assert third == first


def test_a_run_that_goes_on_knows_its_sides(batches: Batches) -> None:
    whole = sides(batches, 2)[1]
    rest = sides(batches, 1, start=(1, 2))[0]
    assert 0 < len(rest) < len(whole)
    assert rest.items() <= whole.items()


def test_another_seed_has_other_sides(batches: Batches, job_of: Callable[..., Job]) -> None:
    other = build_batches(job_of(*WORDS, "seed=8").experiment)
    other.setup("fit")
    assert sides(batches, 1) != sides(other, 1)
