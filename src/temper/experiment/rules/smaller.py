"""Rules between axes of what makes a network smaller."""

from temper.experiment.settings import Settings, option


def channels_can_go(run: Settings) -> None:
    """Want units before the head, none of which another needs."""
    if option(run.pruning) != "channels":
        return
    if not run.task.deep:
        raise ValueError(
            f"pruning=channels removes neurons and channels before the head, and with task={option(run.task)} the"
            " network is its head alone: choose pruning=magnitude, or name layers, such as task=mlp task.hidden=[64]"
        )
    norm = getattr(run.task, "norm", None)
    if norm is not None:
        raise ValueError(
            f"pruning=channels takes channels out of the groups that task.norm={norm} normalises together, which would"
            " change those that stay: set task.norm=null, or choose pruning=magnitude"
        )
    if getattr(run.pruning, "by", None) == "scale" and not run.task.scales_channels:
        raise ValueError(
            f"pruning.by=scale ranks channels by what a batch norm has learned to multiply them by, and task="
            f"{option(run.task)} learns no such scale: choose pruning.by=l1, or task=cifar_resnet"
        )


RULES = (channels_can_go,)
