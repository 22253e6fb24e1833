"""A book of three recipes, and rows that were measured of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from temper import recipes
from temper.cookbook import ablation, choosing, ledger
from temper.cookbook.ledger import Row
from temper.cookbook.standing import compose_recipe, row_of
from temper.digest import digest
from temper.report.record import Cost, Report, Score

BASELINE = """\
# A small net on digits.
# The control.
#   python train.py recipe=baseline/small
defaults:
  - override /optimizer: momentum
  - _self_
epochs: 2
expect:
  metric: test/accuracy
  value: 0.9
  tolerance: 0.01
"""
ADAM = """\
# Adam in place of momentum.
defaults:
  - /recipe/baseline/small
  - override /optimizer: adam
  - _self_
optimizer:
  lr: 0.002
"""
CROPPED = """\
# Shifted images.
defaults:
  - override /task: cifar_resnet
  - override /augmentation: [flip, crop]
  - _self_
augmentation:
  crop:
    padding: 2
"""
CHOOSING = """\
introduction: What to try.
sections:
  - title: By problem
    columns: [problem, method]
    rows:
      - {problem: digits, method: a small net, recipe: baseline/small}
      - {problem: slow, method: Adam, recipe: optimizer/quick}
      - {problem: trembling, method: larger batches, command: python train.py batch_size=256}
      - {problem: diverging, method: a range test, command: python scripts/find_learning_rate.py}
"""
RECORD = """\
recipe: optimizer/quick
introduction: How quick it is.
parts:
  - {name: Adam, without: momentum, words: [optimizer=momentum]}
  - {name: its rate, without: another, words: [optimizer.lr=0.01]}
"""


@pytest.fixture
def book(kitchen: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of three recipes that stands in for recipes/."""
    for name, text in (("baseline/small", BASELINE), ("optimizer/quick", ADAM), ("augmentation/shift", CROPPED)):
        kitchen(name, text)
    monkeypatch.setattr(ledger, "RESULTS", recipes.RECIPES / "results.csv")
    monkeypatch.setattr(choosing, "SOURCE", recipes.RECIPES.parent / "choosing.yaml")
    choosing.SOURCE.write_text(CHOOSING)
    for name, place in (("SOURCE", "record.yaml"), ("PAGE", "record.md"), ("PICTURE", "record.png")):
        monkeypatch.setattr(ablation, name, recipes.RECIPES.parent / place)
    monkeypatch.setattr(ablation, "ABLATION", recipes.RECIPES / "ablation.csv")
    ablation.SOURCE.write_text(RECORD)
    return recipes.RECIPES


def rows(recipe: str, *scores: float) -> list[Row]:
    today = digest(compose_recipe(recipe))
    report = Report(command="", seed=0, epochs=2, digest=today, device="this CPU", commit="abc")
    report.cost = Cost(seconds=90.0)
    made = []
    for seed, score in enumerate(scores):
        report.seed = seed
        report.metrics = {"test/accuracy": score, "val/accuracy": score, "train/accuracy": 1.0, "test/loss": None}
        report.score = Score(metric="val/accuracy", value=score, better="max")
        made.append(row_of(recipe, report, threads=1))
    return made
