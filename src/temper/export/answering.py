"""The whole way from a user's inputs to answers in one module, so that it can be written to a file.

    images, uint8 (n, c, h, w), or rows of numbers (n, features)      as the data gives them
    -> preprocessing -> network                                       as fitted and as trained, in eval mode
    -> probabilities (n, classes)                                     softmax, or sigmoid where there is one logit
       or values (n,)                                                 in the target's own units, as float64

The answer is to each example as it is, as that of scripts/predict.py: of its views test-time augmentation knows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from temper.data.pipeline import Pipeline
from temper.facts import Facts
from temper.network.layers import dtype_of
from temper.prediction import probabilities
from temper.strategy import Data


class Answering(nn.Module):
    """A network between its preprocessing and the units of its answer."""

    def __init__(self, network: nn.Module, pipeline: Pipeline, facts: Facts) -> None:
        super().__init__()
        self.network, self.pipeline, self.facts = network, pipeline, facts
        self.dtype = dtype_of(network)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities (n, classes), or values (n,), for raw inputs (n, ...)."""
        prediction: Tensor = self.network(self.pipeline(inputs).to(self.dtype))
        if self.facts.kind == "regression":
            return prediction.double() * self.facts.target_deviation + self.facts.target_mean
        return probabilities(prediction, self.facts.kind)


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What an exported model takes and gives, in words and names.

    Attributes:
        takes: the name of its input.
        shape: of one example of it.
        columns: the names of the columns of a row, in order, ``column=word`` for one of 0 and 1; empty for images.
        fills: what stands in each of these for a missing value; empty where every value is needed.
        gives: the name of its answer.
        class_names: of the columns of the answer, in order; empty for a regression.
    """

    takes: str
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    fills: tuple[float, ...] = ()
    gives: str
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, facts: Facts, class_names: Sequence[str], data: Data | None = None) -> "Meaning":
        """Return the meaning of a network trained under ``facts`` on ``data``, None for columns without names."""
        return cls(
            takes="images" if len(facts.stored_shape) == 3 else "rows",
            shape=facts.stored_shape,
            columns=() if data is None else data.feature_names,
            fills=() if data is None else data.fills,
            gives="values" if facts.kind == "regression" else "probabilities",
            class_names=tuple(class_names) or tuple(map(str, range(facts.classes))),
        )
