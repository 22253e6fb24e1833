"""A teacher is a guest: asked once a batch, in eval mode, without gradients, and never part of what holds it."""

import torch
from torch import Tensor, nn

from temper.teacher import Teacher


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.asked = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.asked += 1
        answer: Tensor = self.inner(inputs)
        return answer


def test_answers_a_batch_once() -> None:
    network = Counted()
    teacher = Teacher(network.train())
    teacher.tap(["inner.0"])
    teacher.tap(["inner.1", "inner.0"])  # by another distillation
    first, second = torch.randn(4, 3), torch.randn(4, 3)
    answers = [teacher.answer(inputs) for inputs in (first, first, second, second.clone(), first)]
    assert network.asked == 4
    assert answers[0] is answers[1]
    for answer, inputs in zip(answers, (first, first, second, second, first), strict=True):
        assert torch.equal(answer.prediction, network.inner(inputs))
        assert list(answer.features) == ["inner.0", "inner.1"]
        assert torch.equal(answer.features["inner.0"], network.inner[0](inputs))
        assert not answer.prediction.requires_grad


def test_is_no_module() -> None:
    network = Counted()
    holder = nn.Module()
    holder.teacher = Teacher(network.train())
    holder.train()
    assert not any(module.training for module in network.modules())
    assert list(holder.parameters()) == [] == list(holder.state_dict())
    assert not any(weight.requires_grad for weight in network.parameters())


def test_goes_where_the_batch_is() -> None:
    network = Counted()
    assert Teacher(network).answer(torch.randn(2, 3, dtype=torch.float64)).prediction.dtype == torch.float64
