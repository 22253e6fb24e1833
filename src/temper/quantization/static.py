"""Static quantization: whole numbers after training, by ranges that the last part of training has shown.

p = round(w/t), t = max|w| / 127                     weights, once, a scale for each output
a ← (1 - m) a + m min x, b ← (1 - m) b + m max x     of what enters a layer, batch by batch from ``start`` on
s = (b - a)/127, z = round(-a/s)                     0 lies in the range, and is a whole number
q = clamp(⌊x/s + z + ½⌋, 0, 127)                     inputs, at each pass: what lies outside is cut off
y = s t Σ p (q - z) + bias                           Jacob et al., 2018, arXiv:1712.05877, section 3 and equation 4

m is ``momentum``, as batch norm's. Training goes by floating-point numbers to the end; ranges are statistics of it, as
those of batch norm are (dropout, which makes inputs larger in training, makes them wider too), and evaluation goes by
whole numbers as soon as there are ranges. It bites where a network is
wide enough for its task: 8 bits then cost next to nothing; where they do cost, quantization=aware may win some back.
"""

from temper.quantization.rounding import Watched
from temper.strategy import strategy


@strategy
class Static(Watched):
    """Round weights and inputs after training."""
