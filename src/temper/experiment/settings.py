"""What a run consists of, each part checked by itself; whether the parts go together, the rules say."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, InstanceOf

from temper.clip import Clip
from temper.data.views import Level
from temper.facts import Kind
from temper.metric import Better, better, check_metric
from temper.network.layered import Layered
from temper.quantity import Clock, Count, NonNegative, Positive, Real, Switch
from temper.strategy import (
    Augmentation,
    Averaging,
    BatchGrowth,
    Data,
    Debug,
    Distillation,
    Groups,
    Initialization,
    LayerFreezing,
    Logger,
    Loss,
    LowRank,
    Optimizer,
    Penalty,
    Preprocessing,
    Privacy,
    Pruning,
    Quantization,
    Resolution,
    Sampling,
    Scheduler,
    Smaller,
    Stopping,
    Task,
    Trainer,
    Transfer,
    Weighting,
    strategy,
)
from temper.terms import ROUNDED, term_name

LIST_AXES = ("preprocessing", "augmentation", "penalty", "stopping", "distillation", "logger")
REMOVING = ("pruning", "low_rank")  # what takes something of the weights
SMALLER = (*REMOVING, "quantization")  # what makes a network smaller, in the order in which it is delivered


@strategy
class Expectation:
    """What a recipe's card promises: ``metric`` no worse than ``value`` by more than ``tolerance``."""

    metric: Annotated[str, AfterValidator(check_metric)]
    value: Real
    tolerance: NonNegative


@strategy
class Settings:
    """One option from every axis, and what belongs to no option; conf/config.yaml says what each is for."""

    task: InstanceOf[Task]
    data: InstanceOf[Data]
    preprocessing: dict[str, InstanceOf[Preprocessing]]
    sampling: InstanceOf[Sampling]
    augmentation: dict[str, InstanceOf[Augmentation]]
    resolution: InstanceOf[Resolution]
    initialization: InstanceOf[Initialization]
    transfer: InstanceOf[Transfer]
    loss: InstanceOf[Loss]
    weighting: InstanceOf[Weighting]
    penalty: dict[str, InstanceOf[Penalty]]
    optimizer: InstanceOf[Optimizer]
    groups: InstanceOf[Groups]
    scheduler: InstanceOf[Scheduler]
    batch_growth: InstanceOf[BatchGrowth]
    layer_freezing: InstanceOf[LayerFreezing]
    averaging: InstanceOf[Averaging]
    privacy: InstanceOf[Privacy]
    stopping: dict[str, InstanceOf[Stopping]]
    pruning: InstanceOf[Pruning]
    low_rank: InstanceOf[LowRank]
    quantization: InstanceOf[Quantization]
    distillation: dict[str, InstanceOf[Distillation]]
    trainer: InstanceOf[Trainer]
    logger: dict[str, InstanceOf[Logger]]
    debug: InstanceOf[Debug]
    epochs: Count
    batch_size: Count | Literal["full"]
    accumulate: Count
    activation_checkpointing: Literal["blocks"] | None
    clip: InstanceOf[Clip]
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"]
    channels_last: Switch
    compile: Switch
    gradient_norm: Literal["whole", "layers"] | None
    test_time_augmentation: Level | None
    seed: int = Field(ge=0, lt=2**32, strict=True)
    ckpt: str | None
    checkpoint_seconds: Positive
    validate_every: Count
    pause: Count | Literal["test"] | None
    flush_every: Count
    target: Real | None
    expect: InstanceOf[Expectation] | None

    @property
    def kind(self) -> Kind:
        """Return what the network's outputs mean."""
        return self.loss.kind(self.data.classes)

    @property
    def shares(self) -> dict[str, float]:
        """Return the weight of each data term: a distillation's own for each of its terms, the task's is the rest."""
        given = {term_name(name, term): each.weight for name, each in self.distillation.items() for term in each.terms}
        left = 1 - sum(given.values())
        return {"task": left if left > ROUNDED else 0.0} | given

    @property
    def chosen_by(self) -> tuple[str, Better]:
        """Return the validation metric that chooses a checkpoint, and the direction in which it improves."""
        metric = "val/rmse" if self.kind == "regression" else "val/accuracy"
        return metric, better(metric)

    @property
    def smaller(self) -> tuple[Smaller, ...]:
        """Return what makes the network smaller, in the order in which it is delivered."""
        return tuple(getattr(self, axis) for axis in SMALLER)

    def begins(self, clock: Clock) -> int:
        """Return the step before which the network is whole."""
        return min(each.begins(clock) for each in self.smaller)

    def settled(self, clock: Clock) -> int:
        """Return the step from which the network is as small as it will be: before, no checkpoint may be chosen."""
        return max(each.settled(clock) for each in self.smaller)

    def delivered(self, network: Layered) -> Layered:
        """Return what is measured and used of a trained ``network``: it, or a smaller one with the same answers."""
        for each in self.smaller:
            network = each.delivered(network)
        return network
