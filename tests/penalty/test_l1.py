"""The L1 penalty against a sum by hand, its gradient, and bad values."""

import math

from hypothesis import strategies as st
from tests.penalty.conftest import Oracle

from temper.penalty.l1 import L1


def slope(value: float, alpha: float) -> float:
    return alpha * math.copysign(1, value) if value else 0.0


ORACLE = Oracle(L1, lambda value, alpha: alpha * abs(value), slope, {"alpha": 0.3})

test_is_the_sum_by_hand = ORACLE.is_the_sum_by_hand(alpha=st.floats(0, 3))
test_its_gradient_on_a_network = ORACLE.has_its_gradient_on_a_network()
test_its_gradient_is_zero_at_zero = ORACLE.has_its_gradient_at_zero()
test_nothing_chosen_costs_nothing = ORACLE.costs_nothing_where_nothing_is_chosen()
test_refuses = ORACLE.refuses()
