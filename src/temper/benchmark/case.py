"""What every benchmark needs: a run's settings and batches, made once, and rivals that take turns.

What else the machine does falls on all rivals alike, as each works for a block of time before the next one does; ratios
are medians over the rounds, of neighbouring blocks.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from hydra import compose, initialize_config_dir

from temper.data.batches import Batches
from temper.data.cifar10 import CIFAR10
from temper.experiment import Experiment, parse
from temper.facts import Examples, Splits
from temper.recipes import CONF
from temper.settings_file import container
from temper.trainer.machine import keep_freed_memory
from temper.training.build import build_batches, build_module
from temper.training.supervised import Supervised

CIFAR = ("recipe=baseline/cifar10_resnet20", "data.validation=0", "data.download=false")
RECORD = ("recipe=pipeline/cifar10_94", "data.download=false")
WARM_UP = 3  # steps or batches at the start of a block that are not timed
Block = Callable[[], float]  # runs for a while and returns seconds a step


class NoisyCIFAR10(CIFAR10):
    """Random images of CIFAR-10's size, for machines that have no copy of it."""

    def prepare(self) -> None:
        """Need nothing."""

    def splits(self) -> Splits:
        """Return 20,000 training images and 1,000 test images of random pixels and classes."""
        generator = torch.Generator().manual_seed(0)

        def images(count: int) -> Examples:
            pixels = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
            return Examples(pixels, torch.randint(10, (count,), generator=generator))

        return Splits(train=images(20_000), validation=None, test=images(1_000), class_names=tuple("0123456789"))


@dataclass(frozen=True)
class Case:
    """One run's settings and its batches, made once and used by every rival."""

    experiment: Experiment
    config: Mapping[str, Any]
    batches: Batches

    @classmethod
    def of(cls, words: Sequence[str], root: str) -> "Case":
        """Return the case that the words of a command line describe."""
        keep_freed_memory()  # as a run does
        own = [f"data.root={root}"] if {CIFAR[0], RECORD[0]} & set(words) else []
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = container(compose("config", [*words, *own]))
        experiment = parse(config)
        try:
            experiment.data.prepare()
        except ValueError:
            values = {key: value for key, value in config["data"].items() if key != "_target_"}
            experiment = replace(experiment, data=NoisyCIFAR10(**values))
        return cls(experiment, config, build_batches(experiment))

    def module(self) -> Supervised:
        """Return a module whose network is fresh, the same each time."""
        torch.manual_seed(self.experiment.seed)
        return build_module(self.experiment, self.batches.facts)


class Stopwatch:
    """Times steps from the end of the warm-up until ``seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.steps, self.begun = seconds, 0, 0.0
        self._per_step: float | None = None
        self.event: Any = None  # of CUDA's own clock, at the beginning

    @property
    def per_step(self) -> float:
        """Return the seconds a step.

        Raises:
            RuntimeError: the steps were over before the time was up.
        """
        if self._per_step is None:
            raise RuntimeError(f"{self.steps} steps took less than {self.seconds:g} s: give fewer --seconds")
        return self._per_step

    def tick(self) -> bool:
        """Count a step that has ended; return whether the time is up."""
        self.steps += 1
        timed, now = self.steps - WARM_UP, time.perf_counter()
        if timed <= 0:
            self.begun = self._begin() if timed == 0 else 0.0
        elif now - self.begun >= self.seconds:
            self._per_step = self._passed() / timed
            return True
        return False

    def run(self, steps: Iterator[Any]) -> float:
        """Return the seconds a step of ``steps``."""
        for _ in steps:
            if self.tick():
                break
        return self.per_step

    def _begin(self) -> float:
        if torch.cuda.is_available():
            self.event = _cuda_event()
            torch.cuda.synchronize()
        return time.perf_counter()

    def _passed(self) -> float:
        if self.event is None:
            return time.perf_counter() - self.begun
        end = _cuda_event()
        torch.cuda.synchronize()
        return float(self.event.elapsed_time(end)) / 1000


def _cuda_event() -> Any:
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def take_turns(blocks: Mapping[str, Block], rounds: int) -> dict[str, list[float]]:
    """Return the seconds a step of each rival's blocks, run in turns."""
    taken: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(rounds):
        for name, block in blocks.items():
            taken[name].append(block())
    return taken


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median ratio of neighbouring blocks."""
    return median(one / other for one, other in zip(above, below, strict=True))
