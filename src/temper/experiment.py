"""One run, validated whole before anything is built.

Every check of names, types, bounds and clashes meets here: `parse` makes each record of the configuration, and the
validators of `Experiment` hold the rules between axes, one method a rule.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, ValidationError, model_validator
from pydantic_core import ErrorDetails

from temper.clip import Clip
from temper.facts import Kind
from temper.metric import Better, better, check_metric
from temper.quantity import Count, NonNegative, Positive, Real, Switch
from temper.refusal import Refusal, nearest
from temper.strategy import (
    Augmentation,
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
WORDS = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be a word",
    "finite_number": "must be finite",
}


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


def parse(config: Mapping[str, Any]) -> Experiment:
    """Return the experiment that a composed, resolved configuration describes.

    Raises:
        Refusal: a target lies outside this package; a field is missing, unknown, of the wrong type or out of bounds;
            options clash. Names the key and the way out.
    """
    complete = {axis: {} for axis in LIST_AXES} | {key: value for key, value in config.items() if value != {}}
    experiment = make(complete, "")
    assert isinstance(experiment, Experiment)
    return experiment


def make(node: Any, key: str) -> Any:
    """Return ``node`` with every mapping that has a ``_target_`` turned into the record it names."""
    if isinstance(node, list):
        return [make(child, f"{key}[{position}]") for position, child in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    built = {name: make(child, f"{key}.{name}".lstrip(".")) for name, child in node.items() if name != "_target_"}
    if "_target_" not in node:
        return built
    target = str(node["_target_"])
    if not target.startswith("temper."):
        raise Refusal(f"{key}._target_: {target} is not of this package: a target names a record of temper")
    module, _, name = target.rpartition(".")
    try:
        record = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise Refusal(f"{key}._target_: there is no {target}: leave _target_ as the option's file has it") from None
    try:
        return record(**built)
    except ValidationError as fault:
        raise Refusal(_sentence(fault.errors(), key, record)) from None


def _sentence(errors: list[ErrorDetails], key: str, record: Any) -> str:
    """Return what is wrong with one field, in our words; the ways to be of a type that has several are alternatives."""
    known = list(getattr(record, "__pydantic_fields__", {}))
    first = errors[0]
    place = [str(part) for part in first["loc"][:1]]
    # A union's location goes on with the names of its members, a container's with positions.
    place += [str(part) for part in first["loc"][1:] if isinstance(part, int)]
    field, whole = ".".join(place), f"{key}.{'.'.join(place)}".strip(".")
    if first["type"] in ("missing", "missing_keyword_only_argument"):
        return f"{whole}: missing: the option's file in conf/ lists it with its default"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{whole}: {key or 'a run'} has no {field}; {nearest(field, known)}"
    said = " or ".join(dict.fromkeys(_said(error) for error in errors if error["loc"][:1] == first["loc"][:1]))
    if field:
        return f"{whole}={_shown(first['input'])}: {said}"
    names_knob = said.replace("=", " ").split(" ")[0].rstrip(":") in known
    return f"{key}.{said}" if key and names_knob else f"{key}: {said}" if key else said


def _said(error: ErrorDetails) -> str:
    template = WORDS.get(error["type"])
    said = template.format(**error.get("ctx", {})) if template else error["msg"]
    return said.removeprefix("Value error, ").replace("Input should be", "must be")


def _shown(value: Any) -> str:
    text = str(value).replace(" ", "")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _option(record: object) -> str:
    return type(record).__module__.rpartition(".")[2]
