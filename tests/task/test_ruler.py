"""The ruler against scikit-learn and plain loops, and over the cases where metrics are apt to break."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from torch import Tensor

from temper.facts import Facts
from temper.quantity import Clock
from temper.task.ruler import judge, judge_binary, judge_classes, judge_values


def draw(classes: int, n: int = 200, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(classes, (n,), generator=generator)
    logits = torch.randn(n, classes, generator=generator) + 1.5 * torch.eye(classes)[target]
    return logits, target


def calibration(confidence: np.ndarray, right: np.ndarray) -> float:
    """Equation 3 of arXiv:1706.04599 by a loop over 15 bins."""
    error = 0.0
    for index in range(15):
        inside = (confidence >= index / 15) & (confidence < (index + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return error


@pytest.mark.parametrize("classes", [3, 5, 6, 10])
def test_classes_agree_with_scikit_learn(classes: int) -> None:
    logits, target = draw(classes)
    shares, chosen = logits.softmax(1).numpy(), logits.argmax(1).numpy()
    truth = target.numpy()
    recalls = metrics.recall_score(truth, chosen, average=None)
    judged = judge_classes(logits, target, classes)
    assert judged.pop("per_class") == pytest.approx(list(recalls))
    expected = {
        "loss": metrics.log_loss(truth, shares.astype(np.float64) / shares.astype(np.float64).sum(1, keepdims=True)),
        "accuracy": metrics.accuracy_score(truth, chosen),
        "f1": metrics.f1_score(truth, chosen, average="macro"),
        "worst_class": min(recalls),
        "calibration_error": calibration(shares.max(1), chosen == truth),
    }
    if classes > 5:
        expected["top5"] = metrics.top_k_accuracy_score(truth, shares, k=5)
    assert judged == pytest.approx(expected, rel=1e-4)


def test_binary_agrees_with_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(300, generator=generator) < 0.3).float()
    logits = torch.randn(300, generator=generator) + 2 * target - 1
    truth, chosen = target.numpy(), (logits > 0).float().numpy()
    recalls = metrics.recall_score(truth, chosen, average=None)
    both = torch.stack((1 - logits.sigmoid(), logits.sigmoid()), dim=1).numpy()
    judged = judge_binary(logits, target)
    assert judged.pop("per_class") == pytest.approx(list(recalls))
    assert judged == pytest.approx(
        {
            "loss": metrics.log_loss(truth, logits.double().sigmoid().numpy()),
            "accuracy": metrics.accuracy_score(truth, chosen),
            "f1": metrics.f1_score(truth, chosen),
            "worst_class": min(recalls),
            "calibration_error": calibration(both.max(1), chosen == truth),
        },
        rel=1e-4,
    )


def test_one_logit_is_judged_as_two() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(2, (300,), generator=generator)
    logits = torch.randn(300, generator=generator)
    one, two = judge_binary(logits, target.float()), judge_classes(torch.stack((-logits, logits), 1) / 2, target, 2)
    for name in ("loss", "accuracy", "calibration_error", "worst_class"):
        assert one[name] == pytest.approx(two[name], rel=1e-5), name


@settings(deadline=None, max_examples=25)
@given(
    pairs=st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=20).filter(
        lambda pairs: np.var([target for _, target in pairs]) > 1e-9
    )
)
def test_values_agree_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    values, target = torch.tensor(pairs, dtype=torch.float64).T
    mse = metrics.mean_squared_error(target, values)
    assert judge_values(values, target) == pytest.approx(
        {
            "loss": mse,
            "rmse": math.sqrt(mse),
            "mae": metrics.mean_absolute_error(target, values),
            "r2": metrics.r2_score(target, values),
        },
        rel=1e-6,
        abs=1e-9,
    )


def test_the_unit_of_the_target_does_not_matter() -> None:
    target = torch.linspace(0, 1e-3, 89, dtype=torch.float64)
    assert judge_values(torch.zeros(89), target)["r2"] == pytest.approx(-2.93, abs=0.01)
    assert judge_values(target.mean().expand(89), target)["r2"] == pytest.approx(0, abs=1e-9)
    assert [judge_values(torch.full((2,), value), torch.ones(2))["r2"] for value in (1.0, 2.0)] == [1.0, 0.0]


def test_one_value_has_no_share_of_variance() -> None:
    assert judge_values(torch.tensor([3.0]), torch.tensor([1.0])) == {"loss": 4.0, "rmse": 2.0, "mae": 2.0}


def test_values_that_lie_far_from_zero_keep_their_digits() -> None:
    target = torch.arange(4, dtype=torch.float32) + 1e6
    judged = judge_values(target + torch.tensor([0.5, -0.5, 0.5, -0.5]), target)
    assert judged["r2"] == pytest.approx(1 - 4 * 0.25 / 5)


def test_logits_that_look_like_probabilities_are_not_taken_for_them() -> None:
    logits, target = torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 0])
    confidence = logits.softmax(1).max(1).values.numpy()
    assert judge_classes(logits, target, 2)["calibration_error"] == pytest.approx(calibration(confidence, np.ones(2)))
    # A logit of 0.2 speaks for class 1 although, read as a probability, it would speak for class 0.
    logits, target = torch.tensor([0.2, 0.3]), torch.tensor([1.0, 1.0])
    judged = judge_binary(logits, target)
    assert judged["accuracy"] == 1
    assert judged["calibration_error"] == pytest.approx(calibration(logits.sigmoid().numpy(), np.ones(2)))


def test_a_class_without_examples_is_nan_and_never_the_worst() -> None:
    logits, target = torch.eye(3)[[0, 0, 1]], torch.tensor([0, 0, 0])
    judged = judge_classes(logits, target, 3)
    per_class = judged["per_class"]
    assert isinstance(per_class, list)
    assert per_class[0] == judged["worst_class"] == pytest.approx(2 / 3)
    assert math.isnan(per_class[1])
    assert math.isnan(per_class[2])
    binary = judge_binary(torch.tensor([-1.0, 1.0]), torch.tensor([0.0, 0.0]))
    assert binary["worst_class"] == 0.5
    assert math.isnan(binary["per_class"][1])


def test_nineteen_of_twenty_is_0_95() -> None:
    right = torch.tensor([1.0] * 19 + [0.0])
    judged = judge_classes(torch.stack([1 - right, right], dim=1), torch.ones(20), 2)
    assert judged["accuracy"] == judged["worst_class"] == 0.95
    assert judge_binary(right - 0.5, torch.ones(20))["accuracy"] == 0.95


def test_half_precision_is_judged_in_float32() -> None:
    logits, target = draw(7, n=4000)
    half = logits.bfloat16()
    assert judge_classes(half, target, 7) == judge_classes(half.float(), target, 7)
    assert judge_binary(half[:, 0], target > 3) == judge_binary(half[:, 0].float(), target > 3)
    assert judge_values(half[:, 0], target) == judge_values(half[:, 0].float(), target)


def test_a_run_that_diverged_is_still_judged() -> None:
    logits, target = draw(6, n=8)
    logits[3] = math.nan
    assert math.isnan(judge_classes(logits, target, 6)["loss"])
    assert math.isnan(judge_binary(logits[:, 0], target > 2)["loss"])
    assert math.isnan(judge_values(logits[:, 0], target)["loss"])


@pytest.mark.parametrize(
    ("kind", "classes", "keys"),
    [
        ("regression", 0, {"loss", "rmse", "mae", "r2"}),
        ("binary", 2, {"loss", "accuracy", "f1", "worst_class", "calibration_error", "per_class"}),
        ("multiclass", 5, {"loss", "accuracy", "f1", "worst_class", "calibration_error", "per_class"}),
        ("multiclass", 6, {"loss", "accuracy", "top5", "f1", "worst_class", "calibration_error", "per_class"}),
    ],
)
def test_the_kind_says_what_is_measured(kind: str, classes: int, keys: set[str]) -> None:
    outputs = classes if kind == "multiclass" else 1
    facts = Facts(
        kind=kind, shape=(1,), outputs=outputs, classes=classes, examples=8, class_counts=(), clock=Clock((0, 1))
    )
    prediction = torch.randn(8, outputs).squeeze(1)
    target = torch.randn(8) if kind == "regression" else torch.arange(8) % classes
    assert set(judge(prediction, target, facts)) == keys
