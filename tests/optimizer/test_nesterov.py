"""Nesterov momentum against its formula in plain floats, and bad values."""

from hypothesis import strategies as st
from tests.optimizer.conftest import NON_NEGATIVE, POSITIVE, Oracle

from temper.optimizer.nesterov import Nesterov

GOOD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, momentum: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["v"] = momentum * state.get("v", 0.0) + g
    return w - lr * (g + momentum * state["v"])


ORACLE = Oracle(Nesterov, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
    momentum=st.floats(0.01, 0.99),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(
    lr=POSITIVE,
    weight_decay=NON_NEGATIVE,
    momentum=((1.0, "less than 1"), (0.0, "must be above 0.*optimizer=sgd")),
)
