"""GradNorm against a hand-worked case of two terms and the gradient of the paper's own objective."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from temper.command.job import Job
from temper.facts import Facts
from temper.quantity import Clock
from temper.refusal import Refusal
from temper.run import run
from temper.terms import Weigher
from temper.training.metrics_file import read_rows
from temper.weighting.gradnorm import GradNorm

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))


class Line(nn.Module):
    """One shared weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(self.head.weight, weight)

    def terms(self) -> dict[str, Tensor]:
        return {"task": (self.head.weight.sum() - 3) ** 2, "logits": 0.1 * self.head.weight.sum() ** 2}


def build(
    network: nn.Module, task: float = 0.5, alpha: float = 1.5, lr: float = 0.025, layer: str | None = "head"
) -> Weigher:
    return GradNorm(layer=layer, alpha=alpha, lr=lr).build({"task": task, "logits": 1 - task}, FACTS, network)


def found(weigher: Weigher) -> list[float]:
    return [float(weight) for weight in weigher.weights().values()]


def step(weigher: Weigher, terms: dict[str, Tensor]) -> Tensor:
    weigher.watch(terms, 1.0)
    total: Tensor = weigher(terms, 0.0)
    weigher.end_step()
    return total


@settings(deadline=None, max_examples=25)
@given(task=st.floats(0.1, 0.9), alpha=st.sampled_from([0.0, 0.12, 1.5]), lr=st.sampled_from([0.001, 0.025]))
def test_two_terms_by_hand(task: float, alpha: float, lr: float) -> None:
    network = Line(1.0)
    weigher, w, first = build(network, task, alpha, lr), [task, 1 - task], None
    for theta in (1.0, 1.3, 2.1, 2.9):
        nn.init.constant_(network.head.weight, theta)
        values, norms = [(theta - 3) ** 2, 0.1 * theta**2], [2 * abs(theta - 3), 0.2 * theta]
        total = step(weigher, network.terms())
        assert total.item() == pytest.approx(w[0] * values[0] + w[1] * values[1])
        first = first or values
        left = [now / then for now, then in zip(values, first, strict=True)]
        rates = [each / (sum(left) / 2) for each in left]
        sizes = [weight * norm for weight, norm in zip(w, norms, strict=True)]
        wanted = [sum(sizes) / 2 * rate**alpha for rate in rates]
        slopes = [norm * ((size > want) - (size < want)) for norm, size, want in zip(norms, sizes, wanted, strict=True)]
        moved = [max(0.0, weight - lr * slope) for weight, slope in zip(w, slopes, strict=True)]
        w = [weight / sum(moved) for weight in moved]
        assert found(weigher) == pytest.approx(w, rel=1e-9)


def test_the_gradient_of_the_papers_objective() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    inputs, target = torch.randn(8, 4, dtype=torch.float64), torch.arange(8) % 3
    shares = {"task": 0.2, "logits": 0.5, "hints": 0.3}
    weigher = GradNorm(layer="2", alpha=0.8, lr=0.01).build(shares, FACTS, network)
    weights, first = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64), None
    for _ in range(5):
        answer = network(inputs)
        values = [nn.functional.cross_entropy(answer, target), answer.square().mean(), (answer - 1).abs().mean()]
        terms = dict(zip(shares, values, strict=True))
        asked = weights.clone().requires_grad_()
        sizes = torch.stack(
            [
                torch.autograd.grad(weight * value, network[2].weight, create_graph=True)[0].norm()
                for weight, value in zip(asked, values, strict=True)
            ]
        )
        held = torch.stack(values).detach()
        first = held if first is None else first
        left = held / first
        objective = (sizes - (sizes.mean() * (left / left.mean()) ** 0.8).detach()).abs().sum()
        weights = weights - 0.01 * torch.autograd.grad(objective, asked, retain_graph=True)[0]
        weights = (weights / weights.sum()).detach()
        network.zero_grad()
        step(weigher, terms).backward()
        assert found(weigher) == pytest.approx(weights.tolist(), rel=1e-9)
        with torch.no_grad():
            for weight in network.parameters():
                weight -= 0.1 * weight.grad


@pytest.mark.parametrize(("reads", "shared"), [(3, "2"), (2, "2"), (1, "0"), (0, None)])
def test_finds_the_last_layer_that_all_terms_share(reads: int, shared: str | None) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3), nn.Tanh())
    inputs = torch.randn(8, 4)
    terms = {"task": network(inputs).square().mean(), "logits": network[: reads + 1](inputs).exp().mean()}
    terms["logits"] = terms["logits"] if shared else (torch.ones((), requires_grad=True) * 2)
    if shared is None:
        with pytest.raises(Refusal, match=r"no layer is shared by the terms task, logits: .*weighting=fixed"):
            build(network, layer=None).watch(terms, 1.0)
        return
    weighers = [build(network, layer=layer) for layer in (None, shared)]
    for weigher in weighers:
        step(weigher, terms)
    assert found(weighers[0]) == found(weighers[1]) != [0.5, 0.5]


def test_micro_batches_count_by_their_share() -> None:
    torch.manual_seed(0)
    network = nn.ModuleDict({"head": nn.Linear(3, 2).double()})
    inputs = torch.randn(8, 3, dtype=torch.float64)

    def terms(rows: Tensor) -> dict[str, Tensor]:
        answer = network["head"](rows)
        return {"task": answer.square().mean(), "logits": answer.exp().mean()}

    whole, cut = build(network, lr=0.01), build(network, lr=0.01)
    for _ in range(2):
        step(whole, terms(inputs))
        for rows, share in ((inputs[:2], 0.25), (inputs[2:], 0.75)):
            cut.watch(terms(rows), share)
        cut.end_step()
        assert found(whole) == pytest.approx(found(cut), rel=1e-9)
        assert found(whole) != [0.5, 0.5]
        nn.init.constant_(network["head"].bias, 0.5)


@pytest.mark.parametrize("lr", [0.2, 100.0])
def test_a_weight_stays_above_nothing_and_finite(lr: float) -> None:
    network = Line(1.0)
    weigher = build(network, lr=lr)
    for _ in range(3):
        step(weigher, network.terms())
        assert min(found(weigher)) >= 0
        assert sum(found(weigher)) == pytest.approx(1)
    before = found(weigher)
    step(weigher, {name: term * torch.inf for name, term in network.terms().items()})
    assert found(weigher) == before


def test_remembers_weights_and_first_values() -> None:
    network = Line(1.0)
    whole, cut, resumed = build(network), build(network), build(network)
    resumed.load_state_dict(cut.state_dict())  # before the first step too
    for made in (whole, resumed):
        step(made, network.terms())
    cut.load_state_dict(resumed.state_dict())
    nn.init.constant_(network.head.weight, 2.0)
    for made in (whole, cut):
        step(made, network.terms())
    assert found(whole) == found(cut) != [0.5, 0.5]
    assert list(whole.parameters()) == []
    assert list(whole.state_dict()) == ["_extra_state"]


def test_refuses() -> None:
    good = {"layer": "head", "alpha": 1.5, "lr": 0.025}
    for bad in ({"layer": ""}, {"alpha": -0.01}, {"lr": 0.0}):
        with pytest.raises(ValidationError, match=next(iter(bad))):
            GradNorm(**{**good, **bad})
    with pytest.raises(ValueError, match=r"task starts with none: lower that of logits, distillation\.NAME\.weight"):
        GradNorm(**good).check({"task": 0.0, "logits": 1.0})


def test_refuses_a_layer_that_is_not_there_or_not_shared() -> None:
    network = nn.ModuleDict({"head": nn.Linear(2, 1), "norm": nn.BatchNorm1d(2)})
    with pytest.raises(ValueError, match=r"^weighting\.layer=haed: .*did you mean head\?"):
        build(network, layer="haed")
    with pytest.raises(ValueError, match=r"^weighting\.layer=norm: .*head"):
        build(network, layer="norm")
    value = network["head"](torch.ones(1, 2)).sum()
    with pytest.raises(Refusal, match=r"^weighting\.layer=head: the term logits does not depend on it: name"):
        build(network).watch({"task": value, "logits": torch.ones((), requires_grad=True) * 2}, 1.0)


def test_a_batch_in_pieces_moves_the_weights_as_the_whole(job_of: Callable[..., Job], tmp_path: Path) -> None:
    short = ("epochs=1", "trainer=cpu", "trainer.threads=1", "precision=64-true", "debug=steps")
    run(job_of(*short, folder=tmp_path / "teacher"))
    taught = ("distillation=[logits]", f"distillation.logits.teacher={tmp_path / 'teacher'}", "weighting=gradnorm")
    kept = []
    for pieces in (1, 4):
        job = job_of(*short, *taught, "batch_size=64", f"accumulate={pieces}", folder=tmp_path / str(pieces))
        run(job)
        rows = [row for row in read_rows(job.folder / "metrics.csv") if row["weight/task"]]
        kept.append([float(row["weight/task"]) for row in rows])
    assert kept[0] == pytest.approx(kept[1], rel=1e-9)
    assert kept[0][-1] != 0.5
