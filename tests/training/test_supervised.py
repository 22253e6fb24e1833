"""What the loop itself decides: where a step's draws come from."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from temper.command.job import Job
from temper.training.build import build_batches, build_module
from temper.training.supervised import Supervised


@pytest.mark.parametrize(("precision", "scaled"), [("16-mixed", False), ("32-true", True)])
def test_an_overflow_is_seen_before_fused_kernels_could_skip_the_step(
    precision: str, scaled: bool, job_of: Callable[..., Job]
) -> None:
    """They leave momentum unwritten in a first step that they skip, and would take it as it lies in the next."""
    experiment = job_of("optimizer=momentum").experiment
    module = build_module(experiment, build_batches(experiment).facts)
    optimizer = module.configure_optimizers()
    module.trainer = SimpleNamespace(optimizers=[optimizer], precision=precision)
    module.on_train_start()
    assert optimizer._step_supports_amp_scaling is scaled


def test_draws_hang_on_seed_step_and_rank_alone(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: int, step: int, rank: int) -> tuple[float, ...]:
        experiment = job_of("task.dropout=0.5", f"seed={seed}").experiment
        module = build_module(experiment, build_batches(experiment).facts)
        monkeypatch.setattr(Supervised, "global_rank", property(lambda self: rank))
        torch.manual_seed(12345 + step)  # what came before does not matter
        module._reseed(step)
        return tuple(torch.rand(3).tolist())

    first = drawn(0, 0, 0)
    assert drawn(0, 0, 0) == first
    # Ranks draw apart: each has its own examples, and the same mask for all of them would be less of a draw.
    assert len({first, drawn(1, 0, 0), drawn(0, 1, 0), drawn(0, 0, 1)}) == 4
