"""How tensors go to the device that computes, without anybody waiting for it.

Memory that the system may move is copied to a GPU only after the GPU has done what was asked of it before; pinned
memory is fetched by the GPU itself, in its turn.
"""

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return ``values`` on ``device``, which need not be there yet when this returns."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)
