"""Rules between axes of what makes a network smaller."""

from temper.experiment.settings import Settings
from temper.strategy import option


def rewinding_fits(run: Settings) -> None:
    """Want nothing that would go on where the weights go back."""
    if not run.pruning.rewinds:
        return
    name = f"pruning={option(run.pruning)} goes back to early weights"
    if option(run.averaging) != "none":
        raise ValueError(
            f"{name}, and averaging={option(run.averaging)} would mix those of several trainings: choose averaging=none"
        )
    if run.scheduler.validates:
        raise ValueError(
            f"{name}, and scheduler={option(run.scheduler)} would go on with the rate that it came to:"
            " choose another, such as scheduler=cosine"
        )
    for axis in ("batch_growth", "resolution", *(("sampling",) if run.sampling.remembers else ())):
        chosen = option(getattr(run, axis))
        if chosen != "none":
            raise ValueError(f"{name}, and {axis}={chosen} goes by the epochs of the whole run: choose {axis}=none")
    if run.ckpt is not None:
        raise ValueError(f"{name}, and ckpt={run.ckpt} does not hold this run's own: set ckpt=null")


def inputs_can_be_grouped(run: Settings) -> None:
    """Want layers whose inputs are the network's own."""
    if run.pruning.groups_inputs and not run.task.deep:
        raise ValueError(
            f"pruning={option(run.pruning)} goes by groups of a layer's inputs, and with task={option(run.task)} the"
            " network is its head alone, whose inputs are the data's: choose pruning=magnitude, or name layers, such"
            " as task=mlp task.hidden=[64]"
        )


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


def rank_can_fall(run: Settings) -> None:
    """Want weights whose rank stays as low as it was made."""
    if option(run.low_rank) == "none":
        return
    name = f"low_rank={option(run.low_rank)}"
    if not run.task.deep:
        raise ValueError(
            f"{name} makes two of each layer before the head, and with task={option(run.task)} the network is its head"
            " alone: choose low_rank=none, or name layers, such as task=mlp task.hidden=[64]"
        )
    if option(run.pruning) not in ("none", "channels"):
        raise ValueError(
            f"{name} makes two of each layer, of which no weight is 0 where pruning={option(run.pruning)} removed one:"
            " choose pruning=none, or pruning=channels, which removes whole rows and columns"
        )
    if run.precision == "bf16-true":
        raise ValueError(
            f"{name} keeps weights at a rank, and precision=bf16-true rounds them to 8 bits, which are of full rank"
            " again: choose precision=bf16-mixed"
        )


def one_layer_is_rounded(run: Settings) -> None:
    """Want the layers that are delivered to be those whose inputs were seen."""
    if option(run.quantization) != "none" and option(run.low_rank) != "none":
        raise ValueError(
            f"quantization={option(run.quantization)} rounds what enters each layer, and"
            f" low_rank={option(run.low_rank)} delivers two in the place of one, which no training has rounded: choose"
            " quantization=none, or low_rank=none"
        )


def ranges_can_move(run: Settings) -> None:
    """Want numbers fine enough for the small steps in which a range follows its batches."""
    if run.quantization.watches and run.precision == "bf16-true":
        raise ValueError(
            f"quantization={option(run.quantization)} lets ranges follow the batches in steps of quantization.momentum,"
            " which precision=bf16-true rounds away: choose precision=bf16-mixed, or quantization=dynamic"
        )


RULES = (rewinding_fits, inputs_can_be_grouped, channels_can_go, rank_can_fall, one_layer_is_rounded, ranges_can_move)
