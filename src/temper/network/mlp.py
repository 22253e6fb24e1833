"""A multi-layer perceptron (Rumelhart, Hinton and Williams, 1986, Nature 323).

    h_0 = x, flattened                 one row of features an example
    h_i = f(h_{i-1} @ W_i + b_i)       f: the activation; one layer for each entry of ``hidden``
    h_i <- h_i · r / (1 - p)           dropout, in training only: r is 0 with probability p, else 1, unit by unit
    y = h_last @ W + b                 the head: values or logits

Dropout is that of Srivastava et al. (2014, Journal of Machine Learning Research 15), scaled in training instead of
afterwards: a unit's mean is the same with and without it. Without hidden layers it is the linear model, and with one
logit logistic regression (a single sigmoid unit). It bites on tables and small images; on larger images a network that
shares weights over positions needs fewer parameters.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn

from temper.network.activation import Activation, activation
from temper.network.chain import Chain
from temper.network.layered import Block, Layered
from temper.network.units import Units


class MLP(Layered):
    """A perceptron of any depth over inputs of any shape, with ``head`` as its last layer."""

    def __init__(
        self,
        shape: Sequence[int],
        outputs: int,
        *,
        hidden: Sequence[int],
        between: Activation,
        dropout: float = 0.0,
    ) -> None:
        """Make the layers.

        Args:
            shape: of one example's input.
            outputs: columns of the prediction.
            hidden: the width of each hidden layer, from input to output; may be empty.
            between: the activation after each hidden layer.
            dropout: the probability with which a hidden unit is silent in a training step.
        """
        super().__init__()
        widths = [prod(shape), *hidden]
        self.hidden = Chain()
        self.hidden.parts = 3 if dropout else 2
        for index, (inputs, width) in enumerate(zip(widths[:-1], hidden, strict=True), start=1):
            self.hidden.add_module(f"linear{index}", nn.Linear(inputs, width))
            self.hidden.add_module(f"activation{index}", activation(between))
            if dropout:
                self.hidden.add_module(f"dropout{index}", nn.Dropout(dropout))
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs), or (n,) for one output, for inputs (n, ...)."""
        answer: Tensor = self.head(self.hidden(inputs.flatten(1)))
        return answer.squeeze(1)  # leaves several outputs as they are

    def blocks(self) -> list[Block]:
        """Return the hidden layers, each a linear map and what follows it."""
        return self.hidden.blocks()

    def units(self) -> list[Units]:
        """Return the neurons of each hidden layer."""
        layers = [layer for layer in (*self.hidden, self.head) if isinstance(layer, nn.Linear)]
        return [Units(makers=(maker,), readers=(reader,)) for maker, reader in pairwise(layers)]

    def recompute(self) -> None:
        """Keep what enters a hidden layer alone."""
        self.hidden.recomputes = True
