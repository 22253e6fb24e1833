"""Which of a network's layers this processor's kernels compute wrongly."""

import torch
from torch import nn

_LANES = 8  # float32 numbers in one register of AVX2


def overrun(network: nn.Module) -> str | None:
    """Return the name of a convolution whose gradient is not safe with channels last; None where there is none.

    torch 2.15 without AVX-512: the gradient at the inputs of a 1x1 convolution with strides and fewer than 8 input
    channels is written beyond its memory.
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX2":
        return None
    for name, layer in network.named_modules():
        small = isinstance(layer, nn.Conv2d) and layer.in_channels < _LANES
        if small and set(layer.kernel_size) == {1} and max(layer.stride) > 1:
            return str(name)
    return None
