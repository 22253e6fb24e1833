import torch

from temper.prediction import probabilities


def test_probabilities_of_many_logits_and_of_one() -> None:
    logits = torch.tensor([[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(probabilities(logits, "multiclass"), logits.exp() / logits.exp().sum(1, keepdim=True))
    one = torch.tensor([3.0, -0.5])
    expected = torch.stack([1 - one.sigmoid(), one.sigmoid()], dim=1)
    torch.testing.assert_close(probabilities(one, "binary"), expected)
