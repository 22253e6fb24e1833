"""One run, validated whole before anything is built.

The validators of `Experiment` hold the rules between axes, one method a rule.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, model_validator

from temper.clip import Clip
from temper.facts import Kind
from temper.metric import Better, better, check_metric
from temper.quantity import Count, NonNegative, Positive, Real, Switch
from temper.strategy import (
    Augmentation,
    Averaging,
    BatchGrowth,
    Data,
    Debug,
    Distillation,
    Groups,
    Initialization,
    Logger,
    Loss,
    Optimizer,
    Penalty,
    Preprocessing,
    Pruning,
    Sampling,
    Scheduler,
    Stopping,
    Task,
    Trainer,
    Weighting,
    strategy,
)

LIST_AXES = ("preprocessing", "augmentation", "penalty", "stopping", "distillation", "logger")


@strategy
class Expectation:
    """What a recipe's card promises: ``metric`` no worse than ``value`` by more than ``tolerance``."""

    metric: Annotated[str, AfterValidator(check_metric)]
    value: Real
    tolerance: NonNegative


@strategy
class Experiment:
    """One option from every axis, and what belongs to no option; conf/config.yaml says what each is for."""

    task: InstanceOf[Task]
    data: InstanceOf[Data]
    preprocessing: dict[str, InstanceOf[Preprocessing]]
    sampling: InstanceOf[Sampling]
    augmentation: dict[str, InstanceOf[Augmentation]]
    initialization: InstanceOf[Initialization]
    loss: InstanceOf[Loss]
    weighting: InstanceOf[Weighting]
    penalty: dict[str, InstanceOf[Penalty]]
    optimizer: InstanceOf[Optimizer]
    groups: InstanceOf[Groups]
    scheduler: InstanceOf[Scheduler]
    batch_growth: InstanceOf[BatchGrowth]
    averaging: InstanceOf[Averaging]
    stopping: dict[str, InstanceOf[Stopping]]
    pruning: InstanceOf[Pruning]
    distillation: dict[str, InstanceOf[Distillation]]
    trainer: InstanceOf[Trainer]
    logger: dict[str, InstanceOf[Logger]]
    debug: InstanceOf[Debug]
    epochs: Count
    batch_size: Count | Literal["full"]
    accumulate: Count
    clip: InstanceOf[Clip]
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"]
    channels_last: Switch
    compile: Switch
    gradient_norm: Literal["whole", "layers"] | None
    seed: int = Field(ge=0, lt=2**32, strict=True)
    ckpt: str | None
    checkpoint_seconds: Positive
    validate_every: Count
    flush_every: Count
    target: Real | None
    expect: InstanceOf[Expectation] | None

    @property
    def kind(self) -> Kind:
        """Return what the network's outputs mean."""
        return self.loss.kind(self.data.classes)

    @property
    def chosen_by(self) -> tuple[str, Better]:
        """Return the validation metric that chooses a checkpoint, and the direction in which it improves."""
        metric = "val/rmse" if self.kind == "regression" else "val/accuracy"
        return metric, better(metric)

    @model_validator(mode="after")
    def _data_fits_task(self) -> Self:
        if self.task.images and not self.data.images:
            raise ValueError(
                f"task={_option(self.task)} needs images, and data={_option(self.data)} holds rows of numbers:"
                " choose data=cifar10, or task=mlp"
            )
        return self

    @model_validator(mode="after")
    def _loss_fits_data_and_task(self) -> Self:
        try:
            kind = self.kind
        except ValueError as fault:
            raise ValueError(f"loss={_option(self.loss)} with data={_option(self.data)}: {fault}") from None
        if kind not in self.task.kinds:
            raise ValueError(
                f"task={_option(self.task)} with loss={_option(self.loss)} on data={_option(self.data)} would be a"
                f" {kind} problem, and the task is for {' or '.join(self.task.kinds)}: choose another loss, data or"
                " task=mlp"
            )
        return self

    @model_validator(mode="after")
    def _preprocessing_fits_data(self) -> Self:
        for name, step in self.preprocessing.items():
            if step.images != self.data.images:
                wanted, other = ("images", "standardize") if step.images else ("rows of numbers", "normalize")
                raise ValueError(
                    f"preprocessing={name} is for {wanted}, and data={_option(self.data)} holds others:"
                    f" choose preprocessing=[{other}] or preprocessing=[]"
                )
            if getattr(step, "target", False) and self.kind != "regression":
                raise ValueError(f"preprocessing.{name}.target=true is for a regression: set it to false")
        return self

    @model_validator(mode="after")
    def _sampling_fits_data(self) -> Self:
        try:
            self.sampling.check(self.data.classes)
        except ValueError as fault:
            raise ValueError(f"sampling={_option(self.sampling)} with data={_option(self.data)}: {fault}") from None
        return self

    @model_validator(mode="after")
    def _augmentation_fits_data(self) -> Self:
        as_values = not self.data.images
        for name, step in self.augmentation.items():
            if step.images and not self.data.images:
                raise ValueError(
                    f"augmentation={name} is for images, and data={_option(self.data)} holds rows of numbers:"
                    " choose augmentation=[mixup] or augmentation=[]"
                )
            if step.wants == "pixels" and as_values:
                raise ValueError(f"augmentation: {name} works on pixels: name it before those that work on values")
            as_values = as_values or step.wants == "values"
        return self

    @model_validator(mode="after")
    def _batch_can_be_cut(self) -> Self:
        if self.batch_size != "full" and self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate={self.accumulate} cuts a batch of batch_size={self.batch_size} finer than single"
                " examples: choose a smaller accumulate"
            )
        return self

    @model_validator(mode="after")
    def _precision_fits(self) -> Self:
        if self.precision == "bf16-true" and self.kind == "regression":
            raise ValueError(
                "precision=bf16-true would round a regression's targets to three digits: choose precision=bf16-mixed"
            )
        if self.precision == "16-mixed" and self.clip.kind != "none":
            raise ValueError(
                f"precision=16-mixed scales gradients, and clip.kind={self.clip.kind} would cut the scaled ones:"
                " choose precision=bf16-mixed, or clip.kind=none"
            )
        return self

    @model_validator(mode="after")
    def _distillation_fits(self) -> Self:
        total = sum(each.weight for each in self.distillation.values())
        if total > 1:
            raise ValueError(
                f"distillation: the weights add up to {total:g}, and the task keeps 1 minus that:"
                f" lower {' or '.join(f'distillation.{name}.weight' for name in self.distillation)}"
            )
        for name, each in self.distillation.items():
            if self.kind not in each.kinds:
                raise ValueError(
                    f"distillation={name} is for {' or '.join(each.kinds)} outputs, and loss={_option(self.loss)} on"
                    f" data={_option(self.data)} makes them {self.kind}: choose distillation=[]"
                )
        return self

    @model_validator(mode="after")
    def _stopping_can_watch(self) -> Self:
        if "target" in self.stopping and self.target is None:
            raise ValueError("stopping=target needs to know the target: set target, for example target=0.95")
        watching = [name for name, each in self.stopping.items() if each.validates]
        if self.target is not None:
            watching.append("target")
        if watching and not self.data.validates:
            raise ValueError(
                f"{watching[0]} watches validation, and data.validation=0 sets no examples apart for it:"
                " raise data.validation"
            )
        return self

    @model_validator(mode="after")
    def _weighting_has_terms(self) -> Self:
        if not self.weighting.single and not self.distillation:
            raise ValueError(
                f"weighting={_option(self.weighting)} weighs several terms, and there is only the task's: name another,"
                " such as distillation=[logits], or choose weighting=fixed"
            )
        return self

    @model_validator(mode="after")
    def _scheduler_fits(self) -> Self:
        scheduler = _option(self.scheduler)
        if self.optimizer.paces_itself and scheduler != "constant":
            raise ValueError(
                f"optimizer={_option(self.optimizer)} needs no schedule, and scheduler={scheduler} would work against"
                " it: choose scheduler=constant"
            )
        if self.scheduler.validates and not self.data.validates:
            raise ValueError(
                f"scheduler={scheduler} reacts to validation, and data.validation=0 sets no examples apart for it:"
                " raise data.validation"
            )
        return self

    @model_validator(mode="after")
    def _averaging_fits(self) -> Self:
        if self.optimizer.paces_itself and _option(self.averaging) != "none":
            raise ValueError(
                f"optimizer={_option(self.optimizer)} evaluates an average of its own, and averaging="
                f"{_option(self.averaging)} would average that again: choose averaging=none"
            )
        return self

    @model_validator(mode="after")
    def _batch_can_grow(self) -> Self:
        if self.batch_size == "full" and _option(self.batch_growth) != "none":
            raise ValueError(
                f"batch_growth={_option(self.batch_growth)} has nothing to grow from batch_size=full: give the first"
                " epochs' size, for example batch_size=32"
            )
        return self

    @model_validator(mode="after")
    def _passes_fit(self) -> Self:
        name = f"optimizer={_option(self.optimizer)}"
        if self.optimizer.passes > 1 and self.accumulate > 1:
            raise ValueError(
                f"{name} takes a second gradient, and with accumulate={self.accumulate} that would be of the last"
                " micro-batch only: choose accumulate=1"
            )
        if self.optimizer.passes > 1 and self.precision == "16-mixed":
            raise ValueError(
                f"{name} takes two gradients a step, and precision=16-mixed scales but one: choose precision=bf16-mixed"
            )
        return self


def _option(record: object) -> str:
    return type(record).__module__.rpartition(".")[2]
