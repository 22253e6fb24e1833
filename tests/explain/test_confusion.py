import torch
from sklearn.metrics import confusion_matrix, recall_score

from temper.explain.confusion import Pair, confusion, pairs, recalls


def test_counts_and_recalls_are_those_of_sklearn() -> None:
    draws = torch.Generator().manual_seed(0)
    true, given = torch.randint(5, (2, 300), generator=draws)
    counts = confusion(given, true, 5)
    assert counts.tolist() == confusion_matrix(true, given).tolist()
    torch.testing.assert_close(
        torch.tensor(recalls(counts)), torch.tensor(recall_score(true, given, average=None)).float()
    )


def test_a_class_without_examples_has_no_recall() -> None:
    counts = confusion(torch.tensor([0, 2, 2]), torch.tensor([0, 0, 2]), 3)
    assert counts.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert recalls(counts) == [0.5, None, 1.0]


def test_pairs_count_both_ways_and_the_most_often_comes_first() -> None:
    counts = torch.tensor([[9, 1, 2], [4, 9, 0], [3, 0, 9]])
    found = pairs(counts)
    assert found == [Pair(1, 0, 4, 1), Pair(2, 0, 3, 2)]  # a tie stays in order, and 1 and 2 are never confused
    assert [pair.times for pair in found] == [5, 5]
    both = torch.tensor([[0, 4, 0], [0, 0, 3], [0, 3, 0]])
    assert [pair.times for pair in pairs(both)] == [6, 4]
    assert pairs(torch.eye(3).long()) == []
    assert pairs(torch.tensor([[0, 1, 0], [0, 0, 0], [5, 0, 0]]))[0] == Pair(2, 0, 5, 0)
