import pytest
import torch
from tests.explain.conftest import facts

from temper.explain.mistakes import in_own_units, largest_errors, most_confident


def test_the_surest_mistake_comes_first_and_what_is_right_not_at_all() -> None:
    shares = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.05, 0.05, 0.9], [0.6, 0.3, 0.1], [0.6, 0.3, 0.1]])
    target = torch.tensor([0, 0, 1, 2, 1])
    assert most_confident(shares.log(), target, facts(classes=3)).tolist() == [2, 3, 4, 1]  # a tie stays in order
    assert most_confident(shares.log(), shares.argmax(1), facts(classes=3)).tolist() == []


def test_sure_is_by_probability_and_not_by_the_logit() -> None:
    logits = torch.tensor([[9.0, 8.9], [3.0, -3.0]])
    assert most_confident(logits, torch.tensor([1, 1]), facts(classes=2)).tolist() == [1, 0]


def test_of_one_logit_both_signs_can_be_wrong() -> None:
    logits = torch.tensor([2.0, -3.0, 1.0, -0.5])
    assert most_confident(logits, torch.tensor([0, 1, 1, 1]), facts("binary", 2)).tolist() == [1, 0, 3]


def test_the_largest_error_comes_first_in_the_targets_own_units() -> None:
    own = facts("regression", 0, target_mean=10.0, target_deviation=2.0)
    assert in_own_units(torch.tensor([1.5]), own).tolist() == [pytest.approx(13.0)]
    assert largest_errors(torch.tensor([1.0, 5.0, -9.0, 1.0]), torch.zeros(4)).tolist() == [2, 1, 0, 3]
