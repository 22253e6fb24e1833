"""Adam against its formula in plain floats, and bad values."""

from tests.optimizer.conftest import MOMENTS_DRAWN, MOMENTS_REFUSED, Oracle

from temper.optimizer.adam import Adam

GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    return w - lr * (state["m"] / (1 - beta1**t)) / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps)


ORACLE = Oracle(Adam, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(**MOMENTS_DRAWN)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(**MOMENTS_REFUSED)
