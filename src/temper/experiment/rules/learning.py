"""Rules between axes of how a network learns."""

from temper.experiment.settings import REMOVING, Settings
from temper.quantity import parse_span
from temper.strategy import Optimizer, option


def precision_fits(run: Settings) -> None:
    """Want a precision that spoils neither targets nor clipping."""
    if run.precision == "bf16-true" and run.kind == "regression":
        raise ValueError(
            f"precision=bf16-true would round a regression's targets, here those of loss={option(run.loss)} on"
            f" data={option(run.data)}, to three digits: choose precision=bf16-mixed"
        )
    if run.precision == "16-mixed" and run.clip.kind != "none":
        raise ValueError(
            f"precision=16-mixed scales gradients, and clip.kind={run.clip.kind} would cut the scaled ones:"
            " choose precision=bf16-mixed, or clip.kind=none"
        )
    if run.precision == "16-mixed" and run.weighting.term_gradients:
        raise ValueError(
            f"precision=16-mixed scales the loss, and not the terms whose gradients weighting={option(run.weighting)}"
            " asks for, so that they may vanish: choose precision=bf16-mixed, or weighting=fixed"
        )
    if run.precision == "16-mixed" and run.gradient_norm is not None:
        raise ValueError(
            f"precision=16-mixed scales gradients, and gradient_norm={run.gradient_norm} would be that of the scaled"
            " ones: choose precision=bf16-mixed, or gradient_norm=null"
        )


def averages_move(run: Settings) -> None:
    """Want the digits that small steps of an average or of a weight are made of."""
    if run.precision != "bf16-true":
        return
    if run.optimizer.averages and run.optimizer.paces_itself:
        raise ValueError(
            f"{_named(run.optimizer)} evaluates an average that moves by ever smaller parts, which precision=bf16-true"
            " would round to nothing: choose precision=bf16-mixed"
        )
    if run.weighting.learns:
        raise ValueError(
            f"weighting={option(run.weighting)} learns by small steps, which precision=bf16-true would round to nothing"
            ": choose precision=bf16-mixed, or weighting=fixed"
        )


def initialization_fits(run: Settings) -> None:
    """Want residual blocks where these are what is initialised."""
    if not run.initialization.residual:
        return
    name, connection = f"initialization={option(run.initialization)}", getattr(run.task, "connection", None)
    if connection is None:
        raise ValueError(
            f"{name} is for residual blocks, and task={option(run.task)} has none: choose task=cifar_resnet, or"
            " initialization=default"
        )
    if connection != "residual":
        raise ValueError(
            f"{name} zeroes the norm that ends a residual block's branch, and blocks of task.connection={connection}"
            " have none: choose task.connection=residual, or initialization=default"
        )


def stopping_can_watch(run: Settings) -> None:
    """Want something to watch, and examples to watch it on."""
    if "target" in run.stopping and run.target is None:
        raise ValueError("stopping=target needs to know the target: set target, for example target=0.95")
    watching = [name for name, each in run.stopping.items() if each.validates]
    if run.target is not None:
        watching.append("target")
    if watching and not run.data.validates:
        raise ValueError(
            f"{watching[0]} watches validation, and data.validation=0 sets no examples apart for it:"
            " raise data.validation"
        )


def pause_is_validated(run: Settings) -> None:
    """Want a run that is left off to have been validated, and to go on with the rows of one that is not."""
    if run.pause is None:
        return
    word = f"pause={run.pause}"
    if not run.data.validates:
        raise ValueError(
            f"{word} leaves off after a validation, and data.validation=0 sets no examples apart for one: raise"
            " data.validation, or leave pause away"
        )
    if run.pause == "test":
        return
    if run.pause >= run.epochs:
        raise ValueError(f"{word} is no epoch before the end, which is epochs={run.epochs}: choose pause=test, or none")
    if run.pause % run.validate_every:
        raise ValueError(
            f"{word} leaves off after an epoch that validate_every={run.validate_every} does not validate: choose a"
            " multiple of it, or validate_every=1"
        )


def weighting_has_terms(run: Settings) -> None:
    """Want several terms where they are weighed."""
    if not run.weighting.single and not run.distillation:
        raise ValueError(
            f"weighting={option(run.weighting)} weighs several terms, and there is only the task's: name another,"
            " such as distillation=[logits], or choose weighting=fixed"
        )
    try:
        run.weighting.check(run.shares)
    except ValueError as fault:
        raise ValueError(f"weighting={option(run.weighting)}: {fault}") from None


def weighting_fits_compilation(run: Settings) -> None:
    """Want the gradient at a layer to be there to take."""
    if run.weighting.term_gradients and run.compile:
        raise ValueError(
            f"weighting={option(run.weighting)} takes each term's gradient at one layer, and compile=true leaves only"
            " the whole network's: choose compile=false"
        )


def scheduler_fits(run: Settings) -> None:
    """Want a rate that may change, by something that is measured."""
    scheduler = option(run.scheduler)
    if run.optimizer.paces_itself and scheduler != "constant":
        raise ValueError(
            f"{_named(run.optimizer)} needs no schedule, and scheduler={scheduler} would work against it:"
            " choose scheduler=constant"
        )
    if run.scheduler.validates and not run.data.validates:
        raise ValueError(
            f"scheduler={scheduler} reacts to validation, and data.validation=0 sets no examples apart for it:"
            " raise data.validation"
        )


def averaging_begins(run: Settings) -> None:
    """Want weights to average."""
    start = getattr(run.averaging, "start", 0)
    length, unit = parse_span(start)
    if unit == "epoch" and length > run.epochs:
        raise ValueError(
            f"averaging.start={start} lies beyond epochs={run.epochs}, and nothing would be averaged: begin earlier,"
            " for example averaging.start=50%"
        )


def averaging_fits(run: Settings) -> None:
    """Want one average, and nothing in it that was pruned."""
    if not run.optimizer.averages:
        return
    evaluates = f"{_named(run.optimizer)} evaluates other weights than those it trains, and"
    if option(run.averaging) != "none":
        raise ValueError(
            f"{evaluates} averaging={option(run.averaging)} would put an average in their place: choose averaging=none"
        )
    for axis in REMOVING:
        if (chosen := option(getattr(run, axis))) != "none":
            raise ValueError(f"{evaluates} {axis}={chosen} would remove nothing from them: choose {axis}=none")


def passes_fit(run: Settings) -> None:
    """Want the same examples for both gradients of a step."""
    name = _named(run.optimizer)
    if run.optimizer.passes > 1 and run.accumulate > 1:
        raise ValueError(
            f"{name} takes a second gradient, and with accumulate={run.accumulate} that would be of the last"
            " micro-batch only: choose accumulate=1"
        )
    if run.optimizer.passes > 1 and run.precision == "16-mixed":
        raise ValueError(
            f"{name} takes two gradients a step, and precision=16-mixed scales but one: choose precision=bf16-mixed"
        )
    if run.optimizer.passes > 1 and run.precision == "bf16-true":
        raise ValueError(
            f"{name} takes its second gradient a small way off, which precision=bf16-true would round to nothing:"
            " choose precision=bf16-mixed"
        )


def _named(optimizer: Optimizer) -> str:
    """Return the choice of ``optimizer`` in words, with the base that it has a trait from."""
    base = getattr(optimizer, "base", None)
    return f"optimizer={option(optimizer)}" + (f" over {_named(base).removeprefix('optimizer=')}" if base else "")


def blocks_to_recompute(run: Settings) -> None:
    """Want activations where they are to be computed again."""
    if run.activation_checkpointing is not None and not run.task.deep:
        raise ValueError(
            f"activation_checkpointing={run.activation_checkpointing} with task={option(run.task)}: the network is its"
            " head alone, and keeps nothing that could be computed again: set activation_checkpointing=null, or name"
            " layers, such as task=mlp task.hidden=[64]"
        )


def clip_has_layers(run: Settings) -> None:
    """Want layers before the head where it is they that are clipped."""
    if run.clip.spares_head and not run.task.deep:
        raise ValueError(
            f"clip.kind={run.clip.kind} leaves the last layer alone, and with task={option(run.task)} there is no"
            " other: choose clip.kind=norm, or name layers, such as task=mlp task.hidden=[64]"
        )


def groups_fit_network(run: Settings) -> None:
    """Want layers before the head where they are treated apart from it."""
    if run.groups.by_depth and not run.task.deep:
        raise ValueError(
            f"groups={option(run.groups)} treats layers before the head apart, and with task={option(run.task)} the"
            " network is its head alone: choose groups=no_norm_no_bias, or name layers, such as task=mlp"
            " task.hidden=[64]"
        )


RULES = (
    precision_fits,
    averages_move,
    initialization_fits,
    stopping_can_watch,
    pause_is_validated,
    weighting_has_terms,
    weighting_fits_compilation,
    scheduler_fits,
    averaging_begins,
    averaging_fits,
    passes_fit,
    blocks_to_recompute,
    groups_fit_network,
    clip_has_layers,
)
