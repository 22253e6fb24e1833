"""Lottery tickets: train, prune, go back to early weights, and train what is left anew (Frankle and Carbin, 2019).

T = S/(1 + n (1 - r))      steps of a training: the run's S hold a first one and, for each of n ``rounds``, another from
                           step k = r T on, r = ``rewind``
removed                    after training j = 1..n, the smallest |θ|, up to a share 1 - (1 - s)^(j/n) of all: a round
                           removes the same share of what is left as any other, and the last ends at ``sparsity`` s
θ ← θₖ, 0 where removed    then; statistics are those of step k too, momenta empty, and the schedule is back at step k

arXiv:1803.03635, where k = 0; a later k makes it work in larger networks at their usual rates (Frankle et al., 2020,
arXiv:1912.05671). A schedule, a warm-up and a loss that changes run over each training in turn, as if its T steps were
all; the order of the examples goes on. The weights of linear and convolution layers count, all together or layer by
layer; biases and norm layers do not. It bites where a small network is to be trained from the start: it finds which
weights that is, at n + 1 times the cost, so `epochs` should be so many times what one training needs.
"""

import itertools
from bisect import bisect_right
from typing import Any, ClassVar

import lightning as L
from torch import Tensor, nn

from temper.pruning.masks import Choose, Masks, Removed, Scope, prunable_weights, smallest_within
from temper.quantity import Clock, Count, ProperFraction
from temper.strategy import Pruning, Remover, strategy

KEY = "early_state"  # of a checkpoint


@strategy
class LotteryTicket(Pruning):
    """Remove what is smallest after a training, and train again from early weights, ``rounds`` times."""

    learns: ClassVar[bool] = True
    rewinds: ClassVar[bool] = True

    sparsity: ProperFraction
    rounds: Count
    rewind: ProperFraction
    scope: Scope

    def check(self, clock: Clock) -> None:
        """Want a step at least in each training."""
        ends = [0, *self._ends(clock.total_steps), clock.total_steps]
        lengths = [last - first for first, last in itertools.pairwise(ends)]
        if min(lengths) < 1:
            raise ValueError(
                f"pruning.rounds={self.rounds} makes {self.rounds + 1} trainings of a run of {clock.total_steps} steps,"
                " and some would have none: raise epochs, or lower pruning.rounds or pruning.rewind"
            )

    def begins(self, clock: Clock) -> int:
        """Return the step after the first training, whose end is still validated whole."""
        return self._ends(clock.total_steps)[0] + 1

    def settled(self, clock: Clock) -> int:
        """Return the step after which the last training has begun: until then the one before is evaluated."""
        return self._ends(clock.total_steps)[-1] + 1

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that removes, goes back, and keeps removed."""
        ends = self._ends(clock.total_steps)
        shares = {end: 1 - (1 - self.sparsity) ** (number / self.rounds) for number, end in enumerate(ends, start=1)}
        return _Rewinding(shares, self._choose, self._early(ends))

    def lap(self, step: int, clock: Clock) -> tuple[int, Clock]:
        """Return where ``step`` lies in its training, which had ``rewind`` of it behind it if it is not the first."""
        ends = self._ends(clock.total_steps)
        behind = bisect_right(ends, step)  # trainings
        begun = ends[behind - 1] - self._early(ends) if behind else 0
        length = [*ends, clock.total_steps][behind] - begun
        return step - begun, Clock((*(start for start in clock.epoch_starts if start < length), length))

    def _before(self, trainings: int) -> float:
        """Return the share of the run that so many ``trainings`` take, the first of which is longer."""
        again = 1 - self.rewind
        return (1 + (trainings - 1) * again) / (1 + self.rounds * again)

    def _ends(self, total_steps: int) -> list[int]:
        """Return the step at which each training but the last ends."""
        return [int(self._before(trainings) * total_steps) for trainings in range(1, self.rounds + 1)]

    def _early(self, ends: list[int]) -> int:
        return int(self.rewind * ends[0])

    def _choose(self, network: nn.Module, share: float, removed: Removed) -> dict[str, Tensor]:
        return smallest_within(self.scope, prunable_weights(network), share, removed)


class _Rewinding(Masks):
    """Masks, and the way back to the state after ``early`` steps.

    Args:
        ends: what is removed where a training ends, by its step.
        choose: which weights these are.
        early: the step to whose state the next training goes back.
    """

    def __init__(self, ends: dict[int, float], choose: Choose, early: int) -> None:
        super().__init__({}, choose)
        self.ends, self.early = ends, early
        self._kept: dict[str, Tensor] = {}  # the module's state after ``early`` steps, while it is of use
        self._begun = -1  # the step that was begun last

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep the early state; begin a training with it, after whatever looked at the end of the one before."""
        step = trainer.global_step
        if step == self._begun:  # with a part of an accumulated batch
            return
        self._begun = step
        if step == self.early:
            self._kept = {name: value.clone() for name, value in pl_module.state_dict().items()}
        if step in self.ends:
            network = pl_module.get_submodule("network")
            self.renew(network, self.ends[step])
            pl_module.load_state_dict(self._kept)
            _forget_steps(trainer, pl_module)
            self.remove(network)
            if step == max(self.ends):
                self._kept = {}

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Put the early state into the checkpoint."""
        checkpoint[KEY] = dict(self._kept)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take the early state up again."""
        self._kept = dict(checkpoint[KEY])


def _forget_steps(trainer: L.Trainer, module: L.LightningModule) -> None:
    """Give the optimizer the state of one that has just been built; its rates are the schedule's to set."""
    (optimizer,) = trainer.optimizers
    rates = [group["lr"] for group in optimizer.param_groups]
    built: Any = module.configure_optimizers()
    optimizer.load_state_dict(built.state_dict())
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
