"""RMSprop against its formula in plain floats, and bad values."""

from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle

from temper.optimizer.rmsprop import RMSprop

GOOD = {"lr": 0.001, "alpha": 0.99, "momentum": None, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, alpha: float, momentum: float | None, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    state["G"] = alpha * state.get("G", 0.0) + (1 - alpha) * g * g
    step = g / (state["G"] ** 0.5 + eps)
    if momentum is not None:
        step = state["v"] = momentum * state.get("v", 0.0) + step
    return w - lr * step


ORACLE = Oracle(RMSprop, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
    alpha=st.floats(0, 0.99),
    momentum=st.none() | st.floats(0, 0.99),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net({}, {"momentum": 0.9})
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(
    lr=POSITIVE, weight_decay=NON_NEGATIVE, alpha=FORGETTING, momentum=FORGETTING, eps=POSITIVE
)
