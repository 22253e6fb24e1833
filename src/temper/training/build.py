"""Build what an experiment names: its data, the facts of the run, and the module that trains."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from temper.data.batches import Batches, memorised, truncated
from temper.data.epoch_loader import steps_in_epoch
from temper.data.pictures import Pictures
from temper.data.pipeline import Pipeline, to_float
from temper.data.resize import resized
from temper.experiment import Experiment
from temper.facts import Examples, Facts, Splits
from temper.network.layered import Layered
from temper.quantity import Clock
from temper.sharding import whole
from temper.strategy import option
from temper.training.supervised import Ingredients, Supervised
from temper.training.trained import teach

SHORTENED_EVALUATION = 256  # examples of each evaluation when debug shortens a run


def build_batches(experiment: Experiment) -> Batches:
    """Return the datamodule of ``experiment``, with its splits, facts and fitted preprocessing.

    Raises:
        ValueError: the data does not fit the settings.
    """
    splits = experiment.data.splits()
    augmentation = experiment.augmentation
    if experiment.debug.memorised is not None:
        splits, augmentation = memorised(splits, experiment.debug.memorised), {}
    first = _batch_size(experiment, splits)
    pipeline = Pipeline.fit(experiment.preprocessing, splits.train, sampled=experiment.data.many)
    shortened = experiment.debug.shortened_to
    if shortened is not None:
        splits = truncated(splits, shortened * first, SHORTENED_EVALUATION)
        word = f"debug={option(experiment.debug)}: ended after {shortened:,} step{'s' * (shortened > 1)}"
        splits = splits.noted(f"{word}, and every figure is of a part of the data")
        first = min(first, _batch_size(experiment, splits))
    elif experiment.debug.memorised is None and experiment.batch_size != "full" and experiment.batch_size > first:
        whole = f"{'the training set' if option(experiment.sampling) == 'none' else 'an epoch'} has {first:,} examples"
        splits = splits.noted(f"batch_size={experiment.batch_size}: {whole}: each epoch is one step")
    batch_size = _growing(experiment, splits, first)
    sides = _sides(experiment, splits)
    facts = _facts(experiment, splits, pipeline, batch_size, sides)
    return Batches(
        splits,
        facts,
        pipeline,
        augmentation,
        batch_size=batch_size,
        accumulate=experiment.accumulate,
        sampling=experiment.sampling,
        seed=experiment.seed,
        precision=experiment.precision,
        channels_last=experiment.channels_last,
        side=sides.__getitem__ if sides else None,
        test_time_augmentation=experiment.test_time_augmentation,
    )


def build_module(experiment: Experiment, facts: Facts) -> Supervised:
    """Return the module that trains, its network freshly initialised."""
    network = _network(experiment, facts)
    if experiment.activation_checkpointing is not None:
        network.recompute()
    if experiment.compile:
        # What runs before it in this process have left would be taken for this one's, without the hooks on its layers.
        torch.compiler.reset()
        network.compile()  # in place: the names of its weights stay
    taught = cache(teach)  # whoever learns from the same teacher shares it, and its answers
    module = experiment.task.module(
        network,
        Ingredients(
            facts=facts,
            loss=experiment.loss.build(facts),
            penalties={name: penalty.build(facts) for name, penalty in experiment.penalty.items()},
            distillers={name: each.build(facts, network, taught) for name, each in experiment.distillation.items()},
            weigher=experiment.weighting.build(experiment.shares, facts, network),
            groups=experiment.groups,
            optimizer=experiment.optimizer,
            scheduler=experiment.scheduler,
            pruning=experiment.pruning,
            clip=experiment.clip,
            privatizer=experiment.privacy.privatizer(network, facts, experiment.sampling.chance, experiment.seed),
            metric=experiment.chosen_by[0].removeprefix("val/"),
            better=experiment.chosen_by[1],
            seed=experiment.seed,
        ),
    )
    assert isinstance(module, Supervised)
    # Lightning would do so too, but only after it has rounded a checkpoint's weights to what it finds here.
    return module.double() if experiment.precision == "64-true" else module


def made_whole(experiment: Experiment, module: Supervised) -> nn.Module:
    """Return a network with all weights of that of ``module``, which each process holds a part of."""
    state = whole(module.network.state_dict())
    kind = next(iter(module.network.parameters())).dtype
    network = _network(experiment, module.facts).to(device=module.device, dtype=kind)
    network.load_state_dict(state)
    if experiment.activation_checkpointing is not None:
        network.recompute()
    for name, weight in module.network.named_parameters():  # what is frozen costs no gradient
        network.get_parameter(name).requires_grad_(weight.requires_grad)
    return network


def _network(experiment: Experiment, facts: Facts) -> Layered:
    network = experiment.quantization.prepared(experiment.task.network(facts))
    experiment.initialization.apply(network)
    return network.to(memory_format=torch.channels_last) if experiment.channels_last else network


def _batch_size(experiment: Experiment, splits: Splits) -> int:
    """Return the size of the global batch: at most an epoch's examples."""
    most = experiment.sampling.size(splits.train.targets)
    return most if experiment.batch_size == "full" else min(experiment.batch_size, most)


def _growing(experiment: Experiment, splits: Splits, first: int) -> Callable[[int], int]:
    """Return the size of an epoch's global batches: at most an epoch's examples."""
    most, sampling = experiment.sampling.size(splits.train.targets), experiment.sampling
    growth, epochs = experiment.batch_growth, experiment.epochs
    return lambda epoch: min(sampling.count(most, epoch, epochs), growth.size(first, epoch, epochs))


def _clock(experiment: Experiment, train: Examples, batch_size: Callable[[int], int]) -> Clock:
    """Return the run's clock; a run that debug shortens ends with the epoch in which its last step lies."""
    most, shortened = experiment.sampling.size(train.targets), experiment.debug.shortened_to
    starts = [0]
    for epoch in range(experiment.epochs):
        examples = experiment.sampling.count(most, epoch, experiment.epochs)
        steps = steps_in_epoch(examples, batch_size(epoch), experiment.data.drop_last)
        starts.append(starts[-1] + (steps if shortened is None else min(steps, shortened)))
        if shortened is not None and starts[-1] >= shortened:
            break
    return Clock(tuple(starts))


def _sides(experiment: Experiment, splits: Splits) -> list[int]:
    """Return the shorter side of training's images in each epoch; none where they are as large as they are stored."""
    if not experiment.data.images or experiment.debug.memorised is not None:
        return []
    full, epochs = min(splits.train.inputs.shape[2:]), experiment.epochs
    sides = [experiment.resolution.side(full, epoch, epochs) for epoch in range(epochs)]
    return sides if any(side != full for side in sides) else []


def _facts(
    experiment: Experiment,
    splits: Splits,
    pipeline: Pipeline,
    batch_size: Callable[[int], int],
    sides: Sequence[int],
) -> Facts:
    classes, kind, train = experiment.data.classes, experiment.kind, splits.train
    scales = [step.target_scale(train) for step in experiment.preprocessing.values()] if kind == "regression" else []
    mean, deviation = next((scale for scale in scales if scale != (0.0, 1.0)), (0.0, 1.0))
    held: Any = train.inputs[:1]
    one = held.sample() if isinstance(held, Pictures) else held
    clock = _clock(experiment, train, batch_size)
    try:
        shapes = {side: tuple(pipeline(resized(to_float(one), side)).shape[1:]) for side in set(sides)}
    except RuntimeError as fault:
        raise ValueError(
            f"resolution={option(experiment.resolution)} makes images as small as {min(sides)} pixels, and"
            f" preprocessing={list(pipeline.steps)} does not take them ({str(fault).splitlines()[0]}): choose larger"
            " sides, or a smaller preprocessing.NAME.size"
        ) from None
    counts = torch.bincount(train.targets.long(), minlength=classes).tolist() if classes else []
    return Facts(
        kind=kind,
        shape=tuple(pipeline(one).shape[1:]),
        stored_shape=tuple(one.shape[1:]),
        epoch_shapes=tuple(shapes[side] for side in sides[: clock.epochs]),
        outputs=classes if kind == "multiclass" else 1,
        classes=classes,
        examples=len(train),
        class_counts=tuple(counts),
        class_names=splits.class_names if classes else (),
        columns=experiment.data.feature_names,
        contents=splits.contents,
        clock=clock,
        target_mean=mean,
        target_deviation=deviation,
    )
