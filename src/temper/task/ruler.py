"""The ruler that every run is judged by: the same metrics whatever loss, weighting or precision it was trained with.

    loss                cross-entropy, or the mean squared error of a regression, with no smoothing and no weights
    accuracy, top5      the share of examples whose class is the likeliest, or among the five likeliest
    f1                  harmonic mean of precision and recall: of class 1 when binary, else the mean over the classes
    per_class           recall of each class, nan where it has no example; worst_class is the lowest of them
    calibration_error   |confidence - accuracy|, averaged over 15 equal bins of confidence (Guo et al., 2017,
                        arXiv:1706.04599, equation 3)
    rmse, mae, r2       of a regression; r2 is the share of the variance that is explained

All are fractions or in the targets' own units. They are computed on the CPU, in float32 at the least, so that they do
not depend on the machine.
"""

from math import isnan, nan

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import classification, regression

from temper.facts import Facts

Judgement = dict[str, float | list[float]]
_BINS = 15


def judge(prediction: Tensor, target: Tensor, facts: Facts) -> Judgement:
    """Return the metrics that fit ``facts.kind``; targets are hard, and a regression's are in the user's units."""
    if facts.kind == "multiclass":
        return judge_classes(prediction, target, facts.classes)
    return judge_binary(prediction, target) if facts.kind == "binary" else judge_values(prediction, target)


def judge_classes(prediction: Tensor, target: Tensor, classes: int) -> Judgement:
    """Return the metrics of logits (n, classes) against class indices (n,)."""
    logits, target = _precise(prediction), target.cpu().long()
    # Metrics take scores within [0, 1] for probabilities, which logits may happen to be: they are told which.
    shares = logits.softmax(dim=1)
    accuracy = classification.multiclass_accuracy(logits, target, classes, average="micro", validate_args=False)
    f1 = classification.multiclass_f1_score(logits, target, classes, average="macro", validate_args=False)
    error = classification.multiclass_calibration_error(shares, target, classes, n_bins=_BINS, validate_args=False)
    recalls = classification.multiclass_recall(logits, target, classes, average="none", validate_args=False)
    judgement: Judgement = {
        "loss": F.cross_entropy(logits, target).item(),
        "accuracy": _share(accuracy),
        "f1": _share(f1),
        "calibration_error": error.item(),
    }
    if classes > 5:
        top5 = classification.multiclass_accuracy(
            logits, target, classes, top_k=5, average="micro", validate_args=False
        )
        judgement["top5"] = _share(top5)
    return judgement | _by_class(recalls, target.bincount(minlength=classes))


def judge_binary(prediction: Tensor, target: Tensor) -> Judgement:
    """Return the metrics of logits of class 1 (n,) against classes 0 and 1 (n,)."""
    logits, target = _precise(prediction), target.cpu().long()
    shares = logits.sigmoid()
    chosen = (logits > 0).long()
    accuracy = classification.binary_accuracy(chosen, target, validate_args=False)
    f1 = classification.binary_f1_score(chosen, target, validate_args=False)
    # The binary metric is another one: it holds the share of class 1, not the confidence, against what is true.
    both = torch.stack((1 - shares, shares), dim=1)
    error = classification.multiclass_calibration_error(both, target, 2, n_bins=_BINS, validate_args=False)
    recalls = classification.multiclass_recall(chosen, target, 2, average="none", validate_args=False)
    judgement: Judgement = {
        "loss": F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype)).item(),
        "accuracy": _share(accuracy),
        "f1": _share(f1),
        "calibration_error": error.item(),
    }
    return judgement | _by_class(recalls, target.bincount(minlength=2))


def judge_values(prediction: Tensor, target: Tensor) -> Judgement:
    """Return the metrics of values (n,) against targets (n,), both in the user's units; r2 from two examples on."""
    values, target = prediction.cpu().double(), target.cpu().double()
    loss = regression.mean_squared_error(values, target).item()
    judgement: Judgement = {
        "loss": loss,
        "rmse": loss**0.5,
        "mae": regression.mean_absolute_error(values, target).item(),
    }
    if len(target) > 1:
        judgement["r2"] = _explained(values, target)
    return judgement


def _explained(values: Tensor, target: Tensor) -> float:
    """Return R² = 1 - Σ(v - t)² / Σ(t - mean t)²; of targets that are all alike 1 where they are met, else 0.

    torchmetrics takes sums of squares below 1e-4 for 0, whatever unit they are in.
    """
    left, total = (values - target).square().sum().item(), (target - target.mean()).square().sum().item()
    return 1 - left / total if total else float(not left)


def _precise(prediction: Tensor) -> Tensor:
    """Return ``prediction`` on the CPU in float32, or as it is where it is finer."""
    return prediction.cpu().to(torch.promote_types(prediction.dtype, torch.float32))


def _share(counted: Tensor) -> float:
    """Return the scalar without float32's stray digits: 19 of 20 has to reach a target of 0.95."""
    return round(counted.item(), 7)


def _by_class(recalls: Tensor, counts: Tensor) -> Judgement:
    """Return each class's recall, nan for a class without examples, and the lowest."""
    pairs = zip(recalls, counts.tolist(), strict=True)
    per_class = [_share(recall) if count else nan for recall, count in pairs]
    present = [recall for recall in per_class if not isnan(recall)]
    return {"per_class": per_class, "worst_class": min(present)}
