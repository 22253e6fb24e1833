"""Rules between axes of what is learned, and of an example's way to the network."""

from temper.experiment.settings import Settings
from temper.metric import is_over_views
from temper.strategy import option


def data_fits_task(run: Settings) -> None:
    """Want images for networks of images."""
    if run.task.images and not run.data.images:
        raise ValueError(
            f"task={option(run.task)} needs images, and data={option(run.data)} holds rows of numbers:"
            " choose data=cifar10, or task=mlp"
        )


def classes_can_be_told_apart(run: Settings) -> None:
    """Want more than one class, or none."""
    if run.data.classes == 1:
        raise ValueError(
            f"data={option(run.data)} holds but one class, and there is nothing to tell it from: add examples of"
            " another"
        )


def loss_fits_data_and_task(run: Settings) -> None:
    """Want a loss for such targets, and a task for such outputs."""
    numbered, task = getattr(run.data, "numbered", False), option(run.task)
    if numbered and run.task.kinds == ("regression",):
        raise ValueError(
            f"task={task} is for values, and the numbers that data={option(run.data)} is to predict are taken for"
            f" {run.data.classes} classes: set data.kind=regression, or choose task=mlp with loss=cross_entropy"
        )
    try:
        kind = run.kind
    except ValueError as fault:
        way = "; or set data.kind=regression, if these numbers are values" * numbered
        raise ValueError(f"loss={option(run.loss)} with data={option(run.data)}: {fault}{way}") from None
    if kind not in run.task.kinds:
        raise ValueError(
            f"task={task} with loss={option(run.loss)} on data={option(run.data)} would be a"
            f" {kind} problem, and the task is for {' or '.join(run.task.kinds)}: choose another loss, data or"
            " task=mlp"
        )


def preprocessing_fits_data(run: Settings) -> None:
    """Want steps for images, or for rows of numbers."""
    for name, step in run.preprocessing.items():
        if step.images != run.data.images:
            wanted, other = ("images", "standardize") if step.images else ("rows of numbers", "normalize")
            raise ValueError(
                f"preprocessing={name} is for {wanted}, and data={option(run.data)} holds others:"
                f" choose preprocessing=[{other}] or preprocessing=[]"
            )
        if getattr(step, "target", False) and run.kind != "regression":
            raise ValueError(f"preprocessing.{name}.target=true is for a regression: set it to false")


def sampling_fits_data(run: Settings) -> None:
    """Want classes where classes are sampled."""
    try:
        run.sampling.check(run.data.classes)
    except ValueError as fault:
        raise ValueError(f"sampling={option(run.sampling)} with data={option(run.data)}: {fault}") from None


def remembered_losses_are_of_one_example(run: Settings) -> None:
    """Want the loss of an example, where it decides who comes again."""
    mixing = next((name for name, step in run.augmentation.items() if step.mixes), None)
    if run.sampling.remembers and mixing is not None:
        raise ValueError(
            f"sampling={option(run.sampling)} ranks examples by their losses, and augmentation={mixing} mixes two of"
            " them in one: leave it away, or choose sampling=none"
        )


def classes_are_evened_once(run: Settings) -> None:
    """Want one remedy against unequal classes: weights by how many there are, or a sampling that changes that."""
    alike = option(run.sampling) == "none" or run.sampling.chance(1) is not None
    if run.loss.by_frequency and not alike:
        asked = getattr(run.loss, "class_weights", None)
        weighed = f"loss={option(run.loss)}" + (f" with loss.class_weights={asked}" if asked else "")
        other = "loss.class_weights=null" if asked else "loss=cross_entropy"
        raise ValueError(
            f"sampling={option(run.sampling)} changes how often each class is seen, and {weighed} weighs classes by"
            f" the training set as it is: choose sampling=none or {other}"
        )


def augmentation_fits_data(run: Settings) -> None:
    """Want images where images are varied, and pixels before values."""
    as_values = not run.data.images
    for name, step in run.augmentation.items():
        if step.images and not run.data.images:
            raise ValueError(
                f"augmentation={name} is for images, and data={option(run.data)} holds rows of numbers:"
                " choose augmentation=[mixup] or augmentation=[]"
            )
        if step.wants == "pixels" and as_values:
            raise ValueError(f"augmentation: {name} works on pixels: name it before those that work on values")
        as_values = as_values or step.wants == "values"


def resolution_fits_task(run: Settings) -> None:
    """Want images, and a network that takes them in any size."""
    if option(run.resolution) == "none":
        return
    if not run.data.images:
        raise ValueError(
            f"resolution={option(run.resolution)} makes images smaller, and data={option(run.data)} holds rows of"
            " numbers: choose resolution=none"
        )
    if not run.task.any_size:
        raise ValueError(
            f"resolution={option(run.resolution)} changes the size of images, and task={option(run.task)} is built for"
            " one size: choose resolution=none, or task=convnet"
        )


def views_are_of_images(run: Settings) -> None:
    """Want images where views of them are looked at."""
    level = run.test_time_augmentation
    if level is not None and not run.data.images:
        raise ValueError(
            f"test_time_augmentation={level} looks at views of images, and data={option(run.data)} holds rows of"
            " numbers: choose test_time_augmentation=null, or images such as data=cifar10"
        )


def channels_are_laid_out(run: Settings) -> None:
    """Want channels where their place in memory is chosen."""
    if run.channels_last and not run.data.images:
        raise ValueError(
            f"channels_last=true lays out the channels of images, and data={option(run.data)} holds rows of numbers:"
            " choose channels_last=false"
        )


def promise_is_measured(run: Settings) -> None:
    """Want views where a promise is about them."""
    if run.test_time_augmentation is None and run.expect is not None and is_over_views(run.expect.metric):
        raise ValueError(
            f"expect.metric={run.expect.metric} is measured only with views: set test_time_augmentation=mirror or"
            " mirror_and_shift, or promise another metric"
        )


def batch_can_be_cut(run: Settings) -> None:
    """Want at least one example to a micro-batch."""
    if run.batch_size != "full" and run.accumulate > run.batch_size:
        raise ValueError(
            f"accumulate={run.accumulate} cuts a batch of batch_size={run.batch_size} finer than single"
            " examples: choose a smaller accumulate"
        )


def batch_can_grow(run: Settings) -> None:
    """Want a first size to grow from."""
    if run.batch_size == "full" and option(run.batch_growth) != "none":
        raise ValueError(
            f"batch_growth={option(run.batch_growth)} has nothing to grow from batch_size=full: give the first"
            " epochs' size, for example batch_size=32"
        )


RULES = (
    data_fits_task,
    classes_can_be_told_apart,
    loss_fits_data_and_task,
    preprocessing_fits_data,
    sampling_fits_data,
    remembered_losses_are_of_one_example,
    classes_are_evened_once,
    augmentation_fits_data,
    resolution_fits_task,
    views_are_of_images,
    channels_are_laid_out,
    promise_is_measured,
    batch_can_be_cut,
    batch_can_grow,
)
