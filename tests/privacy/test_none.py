"""No privacy: nothing comes between a gradient and its step."""

from torch import nn

from temper.facts import Facts
from temper.privacy.none import NoPrivacy
from temper.quantity import Clock


def test_leaves_gradients_alone() -> None:
    facts = Facts(kind="regression", shape=(1,), outputs=1, classes=0, examples=9, class_counts=(), clock=Clock((0, 3)))
    assert NoPrivacy().privatizer(nn.Linear(1, 1), facts, lambda steps: None, 0) is None
