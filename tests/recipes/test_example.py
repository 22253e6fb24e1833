"""The worked examples: what each leaves undone is measured, and those that are to reach the solution do."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.cookbook.standing import compose_recipe
from temper.data.line import Line
from temper.report.record import Report

Train = Callable[..., Report]
LINE = Line(
    examples=100,
    slope=3.0,
    intercept=2.0,
    noise=1.0,
    grid=False,
    seed=0,
    validation=0.0,
    test=0.0,
    drop_last=False,
)
KEPT_IN_SECONDS = (
    "exact_three",
    "exact_four",
    "unit_squared_error",
    "diabetes_net",
    "diabetes_least_squares",
    "line_full_batch_solved",
)


def line() -> list[tuple[float, float]]:
    train = LINE.splits().train
    return list(zip(train.inputs[:, 0].tolist(), train.targets.tolist(), strict=True))


def test_full_batches_on_the_line_are_a_loop_in_plain_floats(train: Train) -> None:
    points, weight, bias = line(), 0.0, 0.0
    for _ in range(1000):
        errors = [(weight * x + bias - y, x) for x, y in points]
        weight -= 0.01 * sum(2 * error * x for error, x in errors) / len(errors)
        bias -= 0.01 * sum(2 * error for error, _ in errors) / len(errors)
    report = train("recipe=example/line_full_batch", "precision=64-true", "trainer=cpu")
    assert report.solution["w[0]"]["learned"] == pytest.approx(weight, abs=1e-6)
    assert report.solution["bias"]["learned"] == pytest.approx(bias, abs=1e-6)


@pytest.mark.parametrize("name", KEPT_IN_SECONDS)
def test_what_is_left_is_what_the_file_says(name: str, train: Train) -> None:
    report = train(f"recipe=example/{name}", "trainer=cpu")
    expect = compose_recipe(f"example/{name}")["expect"]
    assert report.promise == "kept"
    assert report.metrics[expect["metric"]] == pytest.approx(expect["value"], abs=expect["tolerance"])


@pytest.mark.parametrize("points", [3, 4])
@pytest.mark.parametrize("name", ["exact_momentum", "exact_adagrad", "exact_adam"])
def test_exact_lines_are_solved(name: str, points: int, train: Train) -> None:
    distance = train(f"recipe=example/{name}", f"data.examples={points}", "trainer=cpu").metrics["train/distance"]
    assert distance is not None
    assert distance < 1e-4


@pytest.mark.parametrize("name", ["line_full_batch", "line_stochastic", "line_mini_batch", "line_growing_batch"])
def test_a_quarter_of_the_slow_direction_is_left(name: str, train: Train) -> None:
    report = train(f"recipe=example/{name}", "trainer=cpu")
    rows = torch.tensor([[x, 1.0] for x, _ in line()], dtype=torch.float64)
    slow = torch.linalg.eigh(rows.T @ rows).eigenvectors[:, 0].tolist()

    def along(which: str) -> float:
        return sum(slow[at] * report.solution[key][which] for at, key in enumerate(("w[0]", "bias")))

    assert report.promise == "kept"
    assert 1 - along("learned") / along("reference") == pytest.approx(0.25, abs=0.02)


def test_the_likeliest_unit_is_that_of_newton(train: Train) -> None:
    report = train("recipe=example/unit_likelihood", "trainer=cpu")
    assert report.promise == "kept"
    weight, bias = (report.solution[name]["learned"] for name in ("w[0]", "bias"))
    data = compose_recipe("example/unit_likelihood")["data"]
    x, u = torch.rand(2, data["examples"], generator=torch.Generator().manual_seed(data["seed"]))
    missing = [
        ((math.tanh(2 * a) + b >= 1) - 1 / (1 + math.exp(-weight * a - bias)), a)
        for a, b in zip(x.tolist(), u.tolist(), strict=True)
    ]
    assert sum(error for error, _ in missing) == pytest.approx(0, abs=1e-4)
    assert sum(error * a for error, a in missing) == pytest.approx(0, abs=1e-4)


def test_the_page_and_the_terminal_show_the_solution(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("recipe=example/exact_momentum", "trainer=cpu", folder=tmp_path / "run")
    assert "learned, and the solution" in capsys.readouterr().out
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Learned, and the solution" in page
    assert '<th scope="row">w[0]</th><td>2</td><td>2</td>' in page
