"""Rules between a trainer that cuts weights among processes and what looks at them whole."""

from temper.experiment.settings import SMALLER, Settings
from temper.strategy import option


def weights_can_be_cut(run: Settings) -> None:
    """Want nothing that takes a layer apart, or its gradient example by example or term by term."""
    if not run.trainer.shards:
        return
    name = f"trainer={option(run.trainer)} leaves each process a part of every weight"
    for axis in (*SMALLER, "privacy"):
        chosen = option(getattr(run, axis))
        if chosen != "none":
            raise ValueError(f"{name}, and {axis}={chosen} works on whole layers: choose {axis}=none, or trainer=ddp")
    if (freezing := option(run.layer_freezing)) != "none":
        raise ValueError(
            f"{name}, and layer_freezing={freezing} would let some of them go without a gradient: choose"
            " layer_freezing=none, or trainer=ddp"
        )
    if run.precision == "16-mixed":
        raise ValueError(
            f"{name}, and precision=16-mixed must know of all gradients whether one has overflowed: choose"
            " precision=bf16-mixed, or trainer=ddp"
        )
    if run.weighting.term_gradients:
        raise ValueError(
            f"{name}, and weighting={option(run.weighting)} takes the gradient of each term at a whole one: choose"
            " weighting=fixed, or trainer=ddp"
        )


def nothing_learns_beside_the_network(run: Settings) -> None:
    """Want no parameters whose gradient nobody would average."""
    if not run.trainer.shards:
        return
    name = f"trainer={option(run.trainer)} cuts the network alone among processes"
    if run.weighting.learns:
        raise ValueError(
            f"{name}, and weighting={option(run.weighting)} learns beside it: choose weighting=fixed, or trainer=ddp"
        )
    learning = [each for each, distillation in run.distillation.items() if distillation.learns]
    if learning:
        raise ValueError(f"{name}, and distillation={learning[0]} learns beside it: leave it away, or trainer=ddp")


RULES = (weights_can_be_cut, nothing_learns_beside_the_network)
