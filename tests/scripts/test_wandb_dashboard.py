"""The view is told, sent where there is a key, and a failure to send is one line."""

from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import wandb
from tests.scripts.conftest import load
from wandb_workspaces.workspaces.interface import Workspace


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    wandb.teardown()  # wandb reads its settings once per process: those of the test before would hold
    yield load("wandb_dashboard")
    wandb.teardown()


def sending(monkeypatch: pytest.MonkeyPatch, send: Callable[[Any], None]) -> None:
    monkeypatch.setattr(Workspace, "save", send)
    monkeypatch.setattr(Workspace, "url", property(lambda self: f"https://wandb.example/{self.entity}/{self.project}"))


def test_sends_the_view_to_its_project(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[Any] = []
    sending(monkeypatch, lambda view: sent.append(view))
    words = ["logger.wandb.project=rates", "logger.wandb.entity=us", "--by", "optimizer", "--name", "mine"]
    assert script.main(words) == 0
    assert [(view.entity, view.project, view.name) for view in sent] == [("us", "rates", "mine")]
    said = capsys.readouterr().out
    assert "val/accuracy" in said
    assert said.splitlines()[-1] == "https://wandb.example/us/rates"


def test_a_dry_run_needs_no_key_and_sends_nothing(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sending(monkeypatch, lambda view: pytest.fail("it was sent"))
    assert script.main(["task=linear_regression", "--dry-run"]) == 0
    assert "val/rmse" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        script.main([])
    assert ended.value.code == 2
    assert "wandb login" in capsys.readouterr().err


def test_a_failure_to_send_is_one_line(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(view: Any) -> None:
        raise ConnectionError("no route to host")

    sending(monkeypatch, fail)
    assert script.main(["logger.wandb.entity=us", "recipe=baseline/digits_mlp", "--by", "recipe"]) == 1
    assert capsys.readouterr().err == "temper: Weights & Biases did not take the view: no route to host\n"


def test_a_key_without_an_owner_is_told(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sending(monkeypatch, lambda view: pytest.fail("it was sent"))
    monkeypatch.setattr("wandb.Api", lambda: SimpleNamespace(default_entity=None))
    assert script.main([]) == 1
    assert "logger.wandb.entity=NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--by", "optimizr"], ("--by optimizr", "optimizer")),
        (["--by", "optimizer.lrr"], ("--by optimizer.lrr", "optimizer.lr")),
        (["logger=[]"], ("logger", "logger=[wandb]")),
        (["optimizer=adm"], ("optimizer=adm", "adam")),
    ],
)
def test_refuses(
    words: list[str], named: tuple[str, ...], script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        script.main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    for word in named:
        assert word in said
