"""Quantization-aware training: the network learns with the rounding that it will live with (arXiv:1712.05877).

x̂ = s (q - z), ŵ = t p                               in training too from ``start`` on: what is rounded goes in
∂x̂/∂x = 1 where q was not clamped, else 0; ∂ŵ/∂w = 1    straight-through (Bengio et al., 2013, arXiv:1308.3432)
a ← (1 - m) a + m min x, b ← (1 - m) b + m max x     ranges as in quantization=static, m = ``momentum``
y = s t Σ p (q - z) + bias                           evaluation, by whole numbers: Jacob et al., 2018, equation 4

The paper folds batch norm into the weights before it rounds them; here norms stay layers of their own, in floating
point. It bites where rounding after training (quantization=static) costs accuracy: small or pruned networks, inputs of
uneven size. A training step costs more, by the rounding of every layer's weights and inputs.
"""

from typing import ClassVar

from temper.quantization.rounding import Watched
from temper.strategy import strategy


@strategy
class Aware(Watched):
    """Train with rounded weights and inputs."""

    learns: ClassVar[bool] = True
    rounds: ClassVar[bool] = True
