"""Activation checkpointing: memory against time (Chen, Xu, Zhang and Guestrin, 2016, arXiv:1604.06174).

forward     a block keeps what enters it, and forgets what lies within
backward    the block is run again from there, its gradient taken, and forgotten

The second run makes the same numbers: random draws (dropout) start from the same state, and batch norm, which has
counted the batch in the first, leaves its statistics alone.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from temper import bf16
from temper.network.layered import Block
from temper.network.simulated import Simulated
from temper.network.statistics import KEEPING


def recomputed(function: Callable[..., Tensor], block: Block, *inputs: Tensor) -> Tensor:
    """Return ``function`` of ``inputs``, of which only ``inputs`` are kept for the backward pass.

    Args:
        function: what is run a second time in the backward pass.
        block: the modules that it runs.
        inputs: what enters.
    """
    if not torch.is_grad_enabled():
        return function(*inputs)
    # Compiled, batch norm is a function whose new statistics are stored once, and contexts of ours are not wanted.
    contexts: dict[str, Any] = {} if torch.compiler.is_compiling() else {"context_fn": partial(_contexts, block)}
    result: Tensor = checkpoint(function, *inputs, use_reentrant=False, **contexts)
    return result


def _contexts(block: Block) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return what the first run and what the second is made in."""
    layers = [layer for part in block for layer in part.modules() if isinstance(layer, KEEPING)]
    tracked = [(layer, layer.track_running_stats) for layer in layers]
    return nullcontext(), _Replay(partial(_replayed, tracked, bf16.within()))


class _Replay(AbstractContextManager[None]):
    """A context that can be entered again: a graph that is kept may be walked back several times, as by gradnorm."""

    def __init__(self, made: Callable[[], AbstractContextManager[None]]) -> None:
        self._made = made
        self._held = ExitStack()

    def __enter__(self) -> None:
        self._held.enter_context(self._made())

    def __exit__(self, *fault: object) -> None:
        self._held.close()


@contextmanager
def _replayed(layers: list[tuple[Any, bool]], products: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Let each layer do what it did in the first run, on copies of its statistics that are thrown away."""
    before = [(layer, layer.track_running_stats, dict(layer._buffers)) for layer, _ in layers]
    for layer, tracked in layers:
        # A range has been moved by the batch already, and is what the first run was rounded by.
        layer.track_running_stats = tracked and not isinstance(layer, Simulated)
        for name, values in layer._buffers.items():
            layer._buffers[name] = None if values is None else values.clone()
    try:
        with products():
            yield
    finally:
        for layer, tracked, buffers in before:
            layer.track_running_stats = tracked
            layer._buffers.update(buffers)
