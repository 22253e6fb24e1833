"""Rules between axes of what can be learned from a teacher."""

from temper.experiment.settings import Settings
from temper.strategy import option
from temper.terms import ROUNDED


def weights_leave_the_task_its_share(run: Settings) -> None:
    """Want weights that add up to 1 at most, and to less where nothing else reaches the head."""
    taught = [name for name in run.shares if name != "task"]
    total = sum(run.shares[name] for name in taught)
    if total > 1 + ROUNDED:
        raise ValueError(
            f"distillation: the weights of {', '.join(taught)} add up to {total:g}, and the task keeps 1 minus that:"
            f" lower {' or '.join(f'distillation.{name}.weight' for name in run.distillation)}"
        )
    answered = any(each.reads == "answers" for each in run.distillation.values())
    if run.distillation and run.shares["task"] == 0 and not answered and option(run.weighting) == "fixed":
        raise ValueError(
            f"distillation: the weights of {', '.join(taught)} add up to 1, and neither targets nor answers train the"
            " head: lower one, or choose weighting=schedule to begin so"
        )


def answers_fit(run: Settings) -> None:
    """Want outputs, and classes, that there is something to learn of."""
    for name, each in run.distillation.items():
        if run.kind not in each.kinds:
            raise ValueError(
                f"distillation={name} is for {' or '.join(each.kinds)} outputs, and loss={option(run.loss)} on"
                f" data={option(run.data)} makes them {run.kind}: choose distillation=[]"
            )
        if run.data.classes < each.classes:
            raise ValueError(
                f"distillation={name} compares at least {each.classes} classes, and data={option(run.data)} has"
                f" {run.data.classes}: choose distillation=[logits]"
            )


def layers_can_be_read(run: Settings) -> None:
    """Want a network that has such layers."""
    for name, each in run.distillation.items():
        if each.reads != "answers" and not run.task.deep:
            raise ValueError(
                f"distillation={name} reads a layer before the head, and with task={option(run.task)} there is none:"
                " choose distillation=[logits], or name layers, such as task=mlp task.hidden=[64]"
            )
        if each.reads == "images" and not run.task.images:
            raise ValueError(
                f"distillation={name} compares features that lie side by side as in an image, and task="
                f"{option(run.task)} has none: choose distillation=[hints] or [relational], or task=cifar_resnet"
            )


def one_class_is_true(run: Settings) -> None:
    """Want targets that are not mixed where one class is asked for."""
    for name, each in run.distillation.items():
        for mixing in (step for step, made in run.augmentation.items() if made.mixes and each.one_class):
            raise ValueError(
                f"distillation={name} asks for the one true class of an example, and augmentation={mixing} gives it"
                f" two: leave {mixing} out, or choose distillation=[logits]"
            )


RULES = (
    weights_leave_the_task_its_share,
    answers_fit,
    layers_can_be_read,
    one_class_is_true,
)
