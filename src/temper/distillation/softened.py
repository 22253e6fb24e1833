"""Two answers in logits, softened by a temperature: what options share that compare these."""

import torch
from torch import Tensor
from torch.nn import functional as F

from temper.prediction import widened


def log_softened(logits: Tensor, temperature: float) -> Tensor:
    """Return the log-probabilities (n, k) of logits (n, k), or (n, 2) of the logits (n,) of class 1."""
    logits = widened(logits) / temperature
    if logits.dim() == 1:
        logits = torch.stack((torch.zeros_like(logits), logits), 1)
    return logits.log_softmax(1)


def divergence(taught: Tensor, learned: Tensor) -> Tensor:
    """Return KL(taught ‖ learned) of log-probabilities (n, k): (n,)."""
    return F.kl_div(learned, taught, reduction="none", log_target=True).sum(1)
