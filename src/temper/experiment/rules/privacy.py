"""Rules between axes of what a promise of privacy can be kept with.

Not refused, as noise that was added once protects whatever comes after it: any optimizer of one gradient, averaging,
pruning, the gradient's norm (of the noisy one). Penalties hang on no example; accumulated pieces are clipped example by
example all the same; growing batches are accounted for by their own chances.
"""

from collections.abc import Callable

from temper.experiment.settings import Settings
from temper.strategy import option


def _of_private_runs(rule: Callable[[Settings, str], None]) -> Callable[[Settings], None]:
    """Return ``rule`` for runs that promise privacy; it is handed the words that say so."""

    def asked(run: Settings) -> None:
        if option(run.privacy) != "none":
            rule(run, f"privacy={option(run.privacy)}")

    return asked


@_of_private_runs
def batches_by_coins(run: Settings, private: str) -> None:
    """Want each example in a batch by a coin of its own."""
    if run.sampling.chance(1) is None:
        raise ValueError(
            f"{private} counts on each example being in a batch by a coin of its own, and sampling="
            f"{option(run.sampling)} draws otherwise: choose sampling=poisson"
        )


@_of_private_runs
def network_keeps_examples_apart(run: Settings, private: str) -> None:
    """Want answers that hang on one example each."""
    if run.task.mixes_examples:
        way_out = "set task.norm=group" if hasattr(run.task, "norm") else "choose task=cifar_resnet task.norm=group"
        raise ValueError(
            f"{private} clips the gradient of each example, and the batch norm of task={option(run.task)} mixes"
            f" examples: {way_out}, or choose task=mlp"
        )


@_of_private_runs
def augmentation_keeps_examples_apart(run: Settings, private: str) -> None:
    """Want varied examples that hang on one example each."""
    for name, step in run.augmentation.items():
        if step.mixes:
            raise ValueError(
                f"{private} clips the gradient of each example, and augmentation={name} mixes two into one:"
                " leave it out, or choose augmentation=[]"
            )


@_of_private_runs
def layers_are_known(run: Settings, private: str) -> None:
    """Want layers whose gradients can be taken example by example, and that keep nothing of what they see."""
    if option(run.quantization) != "none":
        raise ValueError(
            f"{private} takes each example's gradient in layers that Opacus knows, and quantization="
            f"{option(run.quantization)} has its own: choose quantization=none"
        )


@_of_private_runs
def teacher_tells_nothing(run: Settings, private: str) -> None:
    """Want no teacher that has seen the examples."""
    for name in run.distillation:
        raise ValueError(
            f"{private} counts what is learned of the examples directly, and the teacher of distillation={name} has"
            " learned from the same and would tell of them: choose distillation=[]"
        )


@_of_private_runs
def start_tells_nothing(run: Settings, private: str) -> None:
    """Want no weights to start from that may have seen the examples: nobody can tell by looking at them."""
    if run.transfer.source is not None:
        raise ValueError(
            f"{private} counts what this run learns of the examples, and the weights of transfer="
            f"{option(run.transfer)} may tell of the same: choose transfer=none"
        )


@_of_private_runs
def weights_of_terms_tell_nothing(run: Settings, private: str) -> None:
    """Want no weights that are learned from the examples beside the network's."""
    if option(run.weighting) != "fixed":
        raise ValueError(
            f"{private} adds noise to the network's gradient alone, and weighting={option(run.weighting)} would learn"
            " from the examples without: choose weighting=fixed"
        )


@_of_private_runs
def weights_of_classes_tell_nothing(run: Settings, private: str) -> None:
    """Want every example's gradient to be its own affair."""
    asked = getattr(run.loss, "class_weights", None)
    if run.loss.by_frequency or asked is not None:
        word = f"loss.class_weights={asked}" if asked is not None else f"loss={option(run.loss)}"
        way = "loss.class_weights=null" if asked is not None else "loss=cross_entropy"
        raise ValueError(
            f"{private} bounds what one example changes, and {word} goes by how many examples each class has, of which"
            f" one more changes the gradients of all: set {way}"
        )


@_of_private_runs
def clipped_once(run: Settings, private: str) -> None:
    """Want no second clipping."""
    if run.clip.kind != "none":
        raise ValueError(
            f"{private} clips each example's gradient by privacy.max_grad_norm, and clip.kind={run.clip.kind} would"
            " cut the noisy sum once more: set clip.kind=none"
        )


@_of_private_runs
def one_gradient_a_step(run: Settings, private: str) -> None:
    """Want each example asked once a step."""
    if run.optimizer.passes > 1:
        raise ValueError(
            f"{private} counts one gradient a step, and optimizer={option(run.optimizer)} takes"
            f" {run.optimizer.passes}: choose another, such as optimizer=sgd"
        )


@_of_private_runs
def gradients_can_be_seen(run: Settings, private: str) -> None:
    """Want layers apart, and gradients at their own scale."""
    if run.compile:
        raise ValueError(
            f"{private} looks at what comes back to each layer, where compile=true would break what it compiles, and"
            " only cost time: set compile=false"
        )
    if run.activation_checkpointing is not None:
        raise ValueError(
            f"{private} looks at what goes into each layer once, and activation_checkpointing="
            f"{run.activation_checkpointing} would show it twice: set activation_checkpointing=null"
        )
    if run.precision == "16-mixed":
        raise ValueError(
            f"{private} clips gradients at their own scale, and precision=16-mixed scales them: choose"
            " precision=bf16-mixed"
        )


RULES = (
    batches_by_coins,
    network_keeps_examples_apart,
    augmentation_keeps_examples_apart,
    layers_are_known,
    teacher_tells_nothing,
    start_tells_nothing,
    weights_of_terms_tell_nothing,
    weights_of_classes_tell_nothing,
    clipped_once,
    one_gradient_a_step,
    gradients_can_be_seen,
)
