"""Rules between axes of what makes a network smaller."""

from temper.experiment.settings import Settings, option


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
    for axis in ("batch_growth", "resolution"):
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


RULES = (rewinding_fits, inputs_can_be_grouped)
