"""Sums over steps: those of plain Python, the same wherever they were read or cut off."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.training import tally as module
from temper.training.tally import Measured, Tally, right

Step = tuple[float, int, int]  # a loss, a number of examples, how many of them are right
STEPS = st.lists(st.tuples(st.floats(-3, 3, width=32), st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12)


def measured(loss: float, size: int, correct: int) -> Measured:
    prediction = torch.eye(3)[torch.zeros(size, dtype=torch.int64)]
    target = torch.tensor([0 if row < correct else 2 for row in range(size)])
    return Measured({"loss": torch.tensor(loss)}, (prediction, target))


def add(tally: Tally, steps: list[Step]) -> None:
    for loss, size, correct in steps:
        tally.add(measured(loss, size, correct), size)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS, cut=st.integers(0, 12), most=st.sampled_from([1, 10, 10_000]))
def test_sums_are_pythons_wherever_it_is_cut_off(steps: list[Step], cut: int, most: int) -> None:
    whole, loss = Tally(), 0.0
    for value, size, _ in steps:
        loss += value * size
    before, module.MOST_HELD = module.MOST_HELD, most
    try:
        add(whole, steps)
        first = Tally()
        add(first, steps[:cut])
        second = Tally()
        second.load_state_dict(first.state_dict())
        add(second, steps[cut:])
    finally:
        module.MOST_HELD = before
    assert whole.read() == {"loss": loss, "accuracy": sum(min(correct, size) for _, size, correct in steps)}
    assert second.read() == whole.read()  # to the bit
    assert second.count == whole.count == sum(size for _, size, _ in steps)


def test_reading_twice_counts_once_and_emptying_begins_anew() -> None:
    tally = Tally()
    add(tally, [(1.0, 2, 1)])
    assert tally.read() == tally.read() == {"loss": 2.0, "accuracy": 1}
    tally.empty()
    assert tally.read() == {}
    assert tally.count == 0


def test_right_by_hand() -> None:
    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    assert right(logits, torch.tensor([0, 0])).tolist() == [True, False]
    assert right(logits, torch.tensor([[0.6, 0.4], [0.3, 0.7]])).tolist() == [True, True]
    assert right(torch.tensor([0.3, -0.1]), torch.tensor([1.0, 1.0])).tolist() == [True, False]


def test_a_regression_is_measured_by_its_squared_error_whatever_its_loss() -> None:
    prediction, target = torch.tensor([1.0, 2.0], dtype=torch.bfloat16), torch.tensor([1.5, 4.0])
    terms, answers = module.measured({"loss": torch.tensor(9.0)}, prediction, target, "regression")
    assert {name: term.item() for name, term in terms.items()} == {"loss": 9.0, "squared_error": (0.5**2 + 2**2) / 2}
    assert answers is None
    assert module.measured({}, prediction, target, "binary").terms == {}
