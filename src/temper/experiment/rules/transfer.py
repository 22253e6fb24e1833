"""Rules between axes of what training may start from, and of what then stays as it is."""

from temper.experiment.settings import REMOVING, Settings
from temper.quantity import parse_span
from temper.strategy import option


def one_source(run: Settings) -> None:
    """Want one place that weights come from."""
    if run.ckpt is not None and option(run.transfer) != "none":
        raise ValueError(
            f"ckpt={run.ckpt} brings weights, and those of transfer={option(run.transfer)} would be lost: choose"
            " transfer.run for weights alone, with ckpt=null, or transfer=none to go on with the whole state"
        )


def torchvision_has_such_networks(run: Settings) -> None:
    """Want a ResNet of torchvision's kind, and of its depths and widths where the weights are its own."""
    if option(run.transfer) != "torchvision":
        return
    if option(run.task) != "cifar_resnet":
        raise ValueError(
            f"transfer=torchvision holds residual networks, and task={option(run.task)} is none: choose"
            " task=cifar_resnet with task.stages=4 task.depth=18, or transfer=none"
        )
    wanted: dict[str, tuple[object, ...]] = {"connection": ("residual",), "norm": (None, "sync")}
    if getattr(run.transfer, "weights", None) is None:
        wanted |= {"stages": (4,), "blocks": (None,), "width": (1.0,), "widths": (None,)}
    for knob, values in wanted.items():
        if getattr(run.task, knob, None) not in values:
            said = "null" if values[0] is None else values[0]
            raise ValueError(
                f"transfer=torchvision holds ResNets of depth 18, 34 and 50 as they were published, and task.{knob}="
                f"{getattr(run.task, knob, None)} makes another: set task.{knob}={said}"
            )


def something_is_taken(run: Settings) -> None:
    """Want a layer that is neither left behind nor frozen with all others."""
    if run.task.deep:
        return
    alone = f"and with task={option(run.task)} the network is its head alone"
    if getattr(run.transfer, "head", None) == "new":
        raise ValueError(f"transfer.head=new leaves the head behind, {alone}: set transfer.head=keep")
    if run.transfer.freezes:
        raise ValueError(
            f"transfer={option(run.transfer)} freezes layers before the head, {alone}: set transfer.freeze=null, or"
            " name layers, such as task=mlp task.hidden=[64]"
        )
    if (freezing := option(run.layer_freezing)) != "none":
        raise ValueError(
            f"layer_freezing={freezing} freezes layers before the head, {alone}: choose layer_freezing=none, or name"
            " layers, such as task=mlp task.hidden=[64]"
        )


def unfreezing_begins(run: Settings) -> None:
    """Want a first block that is unfrozen before the run ends."""
    unfreeze = getattr(run.transfer, "unfreeze", None)
    if unfreeze is None:
        return
    length, unit = parse_span(unfreeze)
    if (unit == "epoch" and length >= run.epochs) or (unit == "%" and length >= 100):
        raise ValueError(
            f"transfer.unfreeze={unfreeze} unfreezes the first block when epochs={run.epochs} are over: shorten it,"
            " for example transfer.unfreeze=10%, or set transfer.unfreeze=null"
        )


def unfreezing_goes_with_the_optimizer(run: Settings) -> None:
    """Want nothing counted for a group of weights some of which have not begun."""
    if getattr(run.transfer, "unfreeze", None) is not None and run.optimizer.paces_itself:
        raise ValueError(
            f"transfer.unfreeze lets blocks begin later, and optimizer={option(run.optimizer)} counts steps and weighs"
            " its average from the first on: set transfer.unfreeze=null, or choose optimizer=adamw"
        )


def frozen_weights_stay(run: Settings) -> None:
    """Want nothing removed from what is to stay, and no gradient asked of it."""
    for freezes, word, way_out in (
        (run.transfer.freezes, f"transfer={option(run.transfer)} with transfer.freeze", "transfer.freeze=null"),
        (option(run.layer_freezing) != "none", _layer_freezing(run), "layer_freezing=none"),
    ):
        if not freezes:
            continue
        for axis in REMOVING:
            if (chosen := option(getattr(run, axis))) != "none":
                raise ValueError(
                    f"{word} keeps layers as they are, and {axis}={chosen} would remove something of them: choose"
                    f" {axis}=none, or {way_out}"
                )
        layer = getattr(run.weighting, "layer", None)
        if run.weighting.term_gradients and layer is not None:
            raise ValueError(
                f"{word} keeps layers as they are, and weighting.layer={layer} may be one of them, at which no term has"
                f" a gradient: choose weighting.layer=null, or {way_out}"
            )


def terms_meet_where_layers_learn(run: Settings) -> None:
    """Want every term to have a gradient at one layer to the end, where their gradients are compared."""
    reading = next((name for name, each in run.distillation.items() if each.reads != "answers"), None)
    if option(run.layer_freezing) != "none" and run.weighting.term_gradients and reading is not None:
        raise ValueError(
            f"weighting={option(run.weighting)} compares the terms' gradients at the last layer that all of them reach,"
            f" and distillation={reading} reads one that {_layer_freezing(run)} may stop: choose weighting=fixed, or"
            " layer_freezing=none"
        )


def layers_stop_alone(run: Settings) -> None:
    """Want nobody else who freezes layers, or who moves or counts on weights that have no gradient any more."""
    if option(run.layer_freezing) == "none":
        return
    word = _layer_freezing(run)
    if run.transfer.freezes:
        raise ValueError(
            f"{word} ends what transfer.freeze would have begin, or never begin: set transfer.freeze=null, or choose"
            " layer_freezing=none"
        )
    if run.optimizer.averages:
        raise ValueError(
            f"{word} keeps layers as they are, and optimizer={option(run.optimizer)} evaluates averages that go on"
            " moving: choose optimizer=adamw, or layer_freezing=none"
        )
    if option(run.privacy) != "none":
        raise ValueError(
            f"{word} takes no gradient of layers that have stopped, and privacy={option(run.privacy)} clips each"
            " example's gradient of all of them: choose layer_freezing=none"
        )


def _layer_freezing(run: Settings) -> str:
    return f"layer_freezing={option(run.layer_freezing)}"


RULES = (
    one_source,
    torchvision_has_such_networks,
    something_is_taken,
    unfreezing_begins,
    unfreezing_goes_with_the_optimizer,
    frozen_weights_stay,
    terms_meet_where_layers_learn,
    layers_stop_alone,
)
