"""How an optimizer is held against its formula: step by step, in plain floats, alone and in groups.

A file of this folder gives the oracle, and what draws the knobs; what is here makes the tests of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import ParameterGroup
from temper.strategy import Optimizer

Record = Callable[..., Optimizer]
Refused = tuple[tuple[Any, str], ...]  # values, and what is said of each

POSITIVE: Refused = ((0.0, "greater than 0"), (float("inf"), "finite"), (True, "valid number"))
NON_NEGATIVE: Refused = ((-1e-9, "greater than or equal to 0"),)
FORGETTING: Refused = ((1.0, "less than 1"), (-1e-9, "greater than or equal to 0"))
OPEN_FRACTION: Refused = ((1.0, "less than 1"), (0.0, "greater than 0"))

MOMENTS_DRAWN = {
    "lr": st.floats(1e-3, 0.2),
    "weight_decay": st.floats(0, 0.5),
    "beta1": st.floats(0, 0.99),
    "beta2": st.floats(0, 0.999),
}
MOMENTS_REFUSED = {
    "lr": POSITIVE,
    "weight_decay": NON_NEGATIVE,
    "beta1": FORGETTING,
    "beta2": FORGETTING,
    "eps": POSITIVE,
}


def group(*parameters: nn.Parameter, rate: float = 1.0, decay: float = 1.0) -> ParameterGroup:
    names = tuple(str(at) for at in range(len(parameters)))
    return ParameterGroup(names=names, parameters=parameters, rate=rate, decay=decay)


@dataclass(frozen=True)
class Oracle:
    """An optimizer's formula in plain floats; its methods make tests.

    Attributes:
        record: makes the optimizer's record of its knobs.
        formula: from a weight, its gradient, what is remembered of it (a dictionary to change) and the knobs to the
            new weight; for ``follows_by_layers`` from a layer's weights and gradients, what is remembered of it,
            whether its length counts, and the knobs to the new weights.
        good: knobs that are accepted.
    """

    record: Record
    formula: Callable[..., Any]
    good: Mapping[str, Any]

    def follows_on_a_quadratic(self, **drawn: st.SearchStrategy[Any]) -> Callable[[], None]:
        @settings(deadline=None, max_examples=25)
        @given(knobs=st.fixed_dictionaries(drawn))
        def test(knobs: dict[str, Any]) -> None:
            knobs = {**self.good, **knobs}
            weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
            optimizer = self.record(**knobs).build([group(weight)])
            expected, state = 0.7, {}
            for _ in range(12):
                optimizer.zero_grad()
                (1.5 * (weight - 0.2) ** 2).sum().backward()
                optimizer.step()
                expected = self.formula(expected, 3.0 * (expected - 0.2), state, **knobs)
                assert weight.item() == pytest.approx(expected, abs=1e-6)

        return test

    def follows_on_a_small_net(self, *changes: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
        @pytest.mark.parametrize("changed", changes or ({},), ids=str)
        def test(changed: dict[str, Any]) -> None:
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
            inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
            knobs = {**self.good, **changed, "weight_decay": 0.1}
            slow = group(*net[0].parameters(), rate=0.5, decay=0.0)
            fast = group(*net[2].parameters(), rate=2.0, decay=3.0)
            optimizer = self.record(**knobs).build([slow, fast])
            scaled = [
                {**knobs, "lr": knobs["lr"] * part.rate, "weight_decay": 0.1 * part.decay}
                for part in (slow, fast)
                for p in part.parameters
                for _ in range(p.numel())
            ]
            weights = [value for p in net.parameters() for value in p.flatten().tolist()]
            states: list[dict[str, float]] = [{} for _ in weights]
            for _ in range(5):
                optimizer.zero_grad()
                ((net(inputs) - targets) ** 2).mean().backward()
                slopes = [value for p in net.parameters() for value in p.grad.flatten().tolist()]
                optimizer.step()
                weights = [
                    self.formula(w, g, s, **k) for w, g, s, k in zip(weights, slopes, states, scaled, strict=True)
                ]
                assert [v for p in net.parameters() for v in p.flatten().tolist()] == pytest.approx(weights, abs=1e-6)

        return test

    def follows_by_layers(self, **drawn: st.SearchStrategy[Any]) -> Callable[[], None]:
        @settings(deadline=None, max_examples=10)
        @given(knobs=st.fixed_dictionaries(drawn))
        def test(knobs: dict[str, Any]) -> None:
            knobs = {**self.good, **knobs}
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)).double()
            with torch.no_grad():
                net[2].weight.zero_()  # a layer that has to leave 0
            inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
            slow, fast = group(net[0].weight, rate=0.5), group(net[2].weight, net[4].weight, rate=2.0, decay=3.0)
            biases = group(net[0].bias, net[2].bias, net[4].bias, decay=0.0)
            optimizer = self.record(**knobs).build([slow, fast, biases])
            layers = [(weight, part) for part in (slow, fast, biases) for weight in part.parameters]
            expected = [weight.flatten().tolist() for weight, _ in layers]
            states: list[dict[str, Any]] = [{} for _ in layers]
            for factor in (1.0, 1.0, 0.5, 0.25, 2.0):  # as a schedule has it
                for built, part in zip(optimizer.param_groups, (slow, fast, biases), strict=True):
                    built["lr"] = knobs["lr"] * part.rate * factor
                optimizer.zero_grad()
                ((net(inputs) - targets) ** 2).mean().backward()
                slopes = [weight.grad.flatten().tolist() for weight, _ in layers]
                optimizer.step()
                expected = [
                    self.formula(
                        values,
                        slope,
                        state,
                        part.decay > 0,
                        **knobs
                        | {"lr": knobs["lr"] * part.rate * factor, "weight_decay": knobs["weight_decay"] * part.decay},
                    )
                    for values, slope, state, (_, part) in zip(expected, slopes, states, layers, strict=True)
                ]
                for (weight, _), values in zip(layers, expected, strict=True):
                    assert weight.flatten().tolist() == pytest.approx(values, abs=1e-6)

        return test

    def keeps_the_dtype(self, **changes: Any) -> Callable[[torch.dtype], None]:
        return keeps_the_dtype(self.record, {**self.good, **changes})

    def refuses(self, **bad: Refused) -> Callable[[str, Any, str], None]:
        return refuses(self.record, self.good, **bad)


def keeps_the_dtype(record: Record, good: Mapping[str, Any]) -> Callable[[torch.dtype], None]:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
    def test(dtype: torch.dtype) -> None:
        weight = nn.Parameter(torch.ones(3, dtype=dtype))
        weight.grad = torch.ones_like(weight)
        record(**{**good, "lr": 0.1}).build([group(weight)]).step()
        assert weight.dtype == dtype
        assert (weight < 1).all()

    return test


def refuses(record: Record, good: Mapping[str, Any], **bad: Refused) -> Callable[[str, Any, str], None]:
    @pytest.mark.parametrize(
        ("knob", "value", "message"), [(knob, *each) for knob, refused in bad.items() for each in refused]
    )
    def test(knob: str, value: Any, message: str) -> None:
        assert record(**good) is not None
        with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
            record(**{**good, knob: value})

    return test
