"""RAdam against its formula in plain floats, and bad values."""

from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle

from temper.optimizer.radam import RAdam

GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "decoupled": False}


def by_the_formula(
    w: float,
    g: float,
    state: dict,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> float:
    if decoupled:
        w = w - lr * weight_decay * w
    else:
        g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    m = state["m"] / (1 - beta1**t)
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    if length <= 5:
        return w - lr * m
    r = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
    return w - lr * r * m * (1 - beta2**t) ** 0.5 / (state["v"] ** 0.5 + eps)


ORACLE = Oracle(RAdam, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0.01, 0.5),
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0.7, 0.999),
    decoupled=st.booleans(),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net({}, {"decoupled": True})
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(
    lr=POSITIVE,
    weight_decay=NON_NEGATIVE,
    beta1=FORGETTING,
    beta2=((1.0, "less than 1"), (0.6666, "must be above 2/3")),
    eps=POSITIVE,
    decoupled=((True, "no decay to act on: set weight_decay"), (1, "valid boolean")),
)
