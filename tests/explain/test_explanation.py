from pathlib import Path
from typing import Any

import pytest
import torch
from tests.explain.conftest import Small, facts, images

from temper.data.pipeline import Pipeline
from temper.explain.attribution import grad_cam, gradient_times_input
from temper.explain.explanation import explain
from temper.explain.subject import Subject
from temper.network.mlp import MLP
from temper.training.trained import Trained


def subject(network: Any, inputs: torch.Tensor, target: torch.Tensor, **others: Any) -> Subject:
    given: dict[str, Any] = {
        "facts": facts(shape=tuple(inputs.shape[1:])),
        "layer": "relu",
        "names": (),
        "shape": tuple(inputs.shape[1:]),
        "picture": None,
        "places": (),
    }
    with torch.no_grad():
        prediction = network(inputs)
    return Subject(
        trained=Trained(Path("run"), Path("run/best.ckpt")),
        title={},
        split="test",
        network=network,
        pipeline=Pipeline({}, {}),
        stored=inputs,
        prediction=prediction,
        target=target,
        reference={},
        notes=(),
        **(given | others),
    )


def test_each_mistake_has_the_map_of_the_class_given_and_of_the_true_one() -> None:
    torch.manual_seed(0)
    network, inputs = Small(channels=3).eval(), images(60, 3, 5, 6)
    target = (network(inputs).argmax(1) + 1) % 4  # every answer is a mistake
    found = explain(subject(network, inputs, target), most=20)  # more than are taken at once
    assert found.maps is not None
    assert (found.maps.method, found.wrong, len(found.mistakes)) == ("Grad-CAM", 60, 20)
    rows = torch.tensor([each.number - 1 for each in found.mistakes])
    assert len(set(rows.tolist())) == 20
    expected = [
        grad_cam(network, "relu", inputs[rows], each[rows], "multiclass") for each in ((target - 1) % 4, target)
    ]
    assert not torch.equal(*expected)
    torch.testing.assert_close([found.maps.given, found.maps.true], expected)
    assert torch.equal(found.maps.images, inputs[rows])
    assert {each.place for each in found.mistakes} == {None}
    for mistake, row in zip(found.mistakes, rows.tolist(), strict=True):
        assert (mistake.given, mistake.true) == ("abcd"[(target[row] - 1) % 4], "abcd"[target[row]])


def test_the_features_named_are_those_that_add_most_to_what_was_given() -> None:
    torch.manual_seed(0)
    network, inputs = MLP((5,), 4, hidden=[6], between="tanh").double().eval(), images(8, 5)
    given = network(inputs).argmax(1)
    names = tuple("vwxyz")
    found = explain(subject(network, inputs, (given + 1) % 4, layer=None, names=names, shape=None), most=8)
    assert found.maps is None
    adds = gradient_times_input(network, inputs, given, "multiclass")
    for mistake in found.mistakes:
        own = adds[mistake.number - 1].tolist()
        largest = sorted(range(5), key=lambda index: -abs(own[index]))[:3]
        assert mistake.features == pytest.approx({names[index]: own[index] for index in largest})


def test_a_network_without_a_mistake_has_none_to_show() -> None:
    torch.manual_seed(0)
    network, inputs = Small(channels=12).eval(), images(6, 12, 5, 6)
    found = explain(subject(network, inputs, network(inputs).argmax(1)), most=3)
    assert (found.mistakes, found.wrong, found.maps, found.first) == ((), 0, None, None)
    assert found.notes == ("the first layer lies on 12 channels that are no colours: its filters are left out",)
