"""What a search may choose from: the values that the words of a sweep name, in Hydra's own grammar.

A word of a command line that names several values is a dimension of the space: ``optimizer=sgd,adam`` and ``choice()``
hold values without an order, ``range()`` an ordered row of them, ``interval()`` all numbers between two, whole ones in
``int(interval(1,8))``, drawn by their magnitude in ``tag(log,interval(1e-4,1))``. A setting holds one value, as it is
typed, for each key. Torch is not imported here.
"""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Sweep

from temper.refusal import Refusal

Setting = dict[str, str]
ATTEMPTS = 100  # at a draw that is new; then few others are left, and the first of them is taken
DIGITS = 6  # of a number that is drawn; what is typed and what is trained are the same
LOG = "log"


@dataclass(frozen=True)
class Choice:
    """Some values; ``ordered`` where they are numbers in a row."""

    listed: tuple[str, ...]
    ordered: bool = False

    @property
    def size(self) -> int | None:
        """Return how many values there are."""
        return len(self.listed)

    def values(self) -> Iterable[str]:
        """Return all of them."""
        return self.listed

    def at(self, share: float) -> str:
        """Return the value at ``share``, in [0, 1), of the way through."""
        return self.listed[int(share * len(self.listed))]


@dataclass(frozen=True)
class Interval:
    """The numbers from ``low`` to ``high``: ``whole`` ones or all, by their magnitude where ``log``."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def size(self) -> int | None:
        """Return how many values there are; None for no end of them."""
        return int(self.high) - int(self.low) + 1 if self.whole else None

    def values(self) -> Iterable[str]:
        """Return all of them, where there is an end of them."""
        return map(str, range(int(self.low), int(self.high) + 1))

    def at(self, share: float) -> str:
        """Return the value at ``share``, in [0, 1), of the way from low to high."""
        # Each whole number has the same width around it.
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.log:
            return self.typed(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
        return self.typed(low + share * (high - low))

    def typed(self, value: float) -> str:
        """Return ``value`` as a word, within the bounds."""
        if self.whole:
            return str(min(max(round(value), int(self.low)), int(self.high)))
        near = float(f"{value:.{DIGITS}g}")
        return f"{near:.{DIGITS}g}" if self.low <= near <= self.high else repr(min(max(near, self.low), self.high))


@dataclass(frozen=True)
class Space:
    """The dimensions, by key, in the order in which they were typed."""

    dimensions: Mapping[str, Choice | Interval]

    @classmethod
    def read(cls, overrides: Sequence[Override]) -> "Space":
        """Return the space of those words among ``overrides`` that name several values.

        Raises:
            Refusal: a word holds no value, or what no draw can be made from.
        """
        swept = [override for override in overrides if override.is_sweep_override()]
        return cls({override.get_key_element(): _dimension(override) for override in swept})

    @property
    def size(self) -> int | None:
        """Return how many settings there are; None for no end of them."""
        sizes = [dimension.size for dimension in self.dimensions.values()]
        return None if None in sizes else math.prod(size or 0 for size in sizes)

    def grid(self) -> Iterator[Setting]:
        """Yield every setting of a finite space, the last dimension changing first."""
        values = [dimension.values() for dimension in self.dimensions.values()]
        return (dict(zip(self.dimensions, each, strict=True)) for each in itertools.product(*values))

    def drawn(self, seed: int, number: int, taken: Collection[Setting]) -> Setting:
        """Return draw ``number``, a function of it and ``seed``: none of ``taken``, as long as there are others."""
        for attempt in range(ATTEMPTS):
            shares = np.random.default_rng([seed, number, attempt]).random(len(self.dimensions))
            setting = {
                key: each.at(float(share)) for (key, each), share in zip(self.dimensions.items(), shares, strict=True)
            }
            if setting not in taken:
                return setting
        if self.size is None:
            return setting
        return next((each for each in self.grid() if each not in taken), setting)


def _dimension(override: Override) -> Choice | Interval:
    word, value = override.input_line, override.value()
    assert isinstance(value, Sweep)
    if isinstance(value, IntervalSweep):
        if unknown := value.tags - {LOG}:
            raise Refusal(f"{word}: there is no tag {min(unknown)} here: tag(log,interval(1e-4,1)) draws by magnitude")
        low, high = value.start, value.end
        assert low is not None
        assert high is not None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise Refusal(f"{word}: an interval goes from a number to a greater one, such as interval(0.001,1)")
        if value.tags and low <= 0:
            raise Refusal(f"{word}: numbers drawn by their magnitude are > 0: raise {low:g}, or leave tag(log) away")
        return Interval(low=low, high=high, log=bool(value.tags), whole=isinstance(low, int) and isinstance(high, int))
    if value.tags:
        raise Refusal(f"{word}: values that are listed take no tag: leave it away, or choose from an interval()")
    shuffled = isinstance(value, ChoiceSweep | RangeSweep) and value.shuffle
    if shuffled:  # Hydra would shuffle anew each time that a search goes on
        override = replace(override, _value=replace(value, shuffle=False))
    values = list(dict.fromkeys(override.sweep_string_iterator()))
    if not values:
        raise Refusal(f"{word}: holds no value: for example {override.get_key_element()}=range(1,5)")
    if shuffled:
        values = [values[place] for place in np.random.default_rng(0).permutation(len(values))]
    return Choice(listed=tuple(values), ordered=isinstance(value, RangeSweep) and not shuffled)
