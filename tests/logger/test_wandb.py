"""Weights & Biases offline, as its own tool reads what was written; nothing here touches a network."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from lightning.pytorch.loggers import WandbLogger
from pydantic import ValidationError
from wandb.sdk.lib.wbauth.wbnetrc import write_netrc_auth

from temper.logger.wandb import Wandb
from temper.refusal import Refusal

GOOD: dict[str, Any] = {"project": "temper", "entity": None, "name": None, "group": None, "tags": ()}
GOOD["mode"] = "offline"
LEET = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json"]


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield
    if wandb.run is not None:
        wandb.run.finish(exit_code=1)
    wandb.teardown()


def made(**changed: object) -> Wandb:
    return Wandb(**{**GOOD, **changed})


def folder(root: Path, name: str) -> Path:
    (root / name).mkdir(exist_ok=True)
    return root / name


def summaries(run: Path) -> list[dict[str, Any]]:
    """Return what wandb's own reader says of each offline file of ``run``, oldest first."""
    files = sorted(run.glob("wandb/offline-run-*/*.wandb"), key=lambda file: file.stat().st_mtime_ns)
    commands = [[*LEET, "--summary", str(file)] for file in files]
    return [json.loads(subprocess.run(c, capture_output=True, text=True, check=True).stdout) for c in commands]


def test_two_runs_of_one_process_stay_apart(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = made(tags=("quick",), group="seeds")
    for name, loss, failed in (("one", 1.5, False), ("two", 2.5, True)):
        log.build(folder(tmp_path, name), {"seed": 1, "optimizer": {"lr": 0.1}}).log_metrics(
            {"train/loss": loss}, step=3
        )
        kept = tmp_path / name / "wandb"
        assert log.finish(failed) == f"Weights & Biases: kept offline, sent by: wandb sync {kept}/offline-run-*"
        assert log.finish(failed) is None
        assert len([*kept.glob("offline-run-*")]) == 1
    (one,), (two,) = summaries(tmp_path / "one"), summaries(tmp_path / "two")
    assert (one["name"], one["state"], one["exit_code"], one["summary"]["train/loss"]) == ("one", "finished", 0, 1.5)
    assert (two["name"], two["state"], two["exit_code"], two["summary"]["train/loss"]) == ("two", "failed", 1, 2.5)
    assert one["config"] == {"seed": 1, "optimizer": {"lr": 0.1}}
    assert (one["project"], one["tags"], one["console"]) == ("temper", ["quick"], [])
    assert one["run_id"] != two["run_id"]
    assert "WANDB_MODE" not in os.environ
    assert capfd.readouterr() == ("", "")


def test_a_trial_is_called_by_its_sweep_too(tmp_path: Path) -> None:
    (tmp_path / "optimizers").mkdir()
    for name, called in (("optimizers/3", "optimizers/3"), ("mine", "mine")):
        assert made().build(folder(tmp_path, name), {}).name == "temper"  # Lightning's word for the project
        assert made().build(tmp_path / name, {})._wandb_init["name"] == called
        assert made(name="a run").build(tmp_path / name, {})._wandb_init["name"] == "a run"


def test_a_run_left_open_is_ended_before_the_next(tmp_path: Path) -> None:
    log = made()
    log.build(folder(tmp_path, "one"), {}).log_metrics({"loss": 1.0}, step=0)
    log.build(folder(tmp_path, "two"), {}).log_metrics({"loss": 2.0}, step=0)
    log.finish(failed=False)
    assert [run["exit_code"] for run in summaries(tmp_path / "one") + summaries(tmp_path / "two")] == [1, 0]


def test_a_resumed_run_keeps_its_identity_also_when_its_folder_moves(tmp_path: Path) -> None:
    first = made().build(folder(tmp_path, "here"), {}).version
    (tmp_path / "here").rename(tmp_path / "there")
    assert made().build(tmp_path / "there", {}).version == first
    assert made().build(folder(tmp_path, "here"), {}).version != first


def test_a_sweeps_agent_names_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "fromagent")
    assert made().build(folder(tmp_path, "alone"), {}).version != "fromagent"
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    assert made().build(folder(tmp_path, "trial"), {}).version == "fromagent"


def mode(log: Wandb, where: Path) -> Any:
    logger = log.build(where, {})
    assert isinstance(logger, WandbLogger)
    return logger._wandb_init["mode"]


def test_auto_is_online_only_where_a_key_is_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = made(mode="auto")
    assert mode(log, tmp_path) == "offline"
    (tmp_path / "netrc").write_text("machine elsewhere.org login user password x\n")
    assert mode(log, tmp_path) == "offline"
    write_netrc_auth(host=wandb.Settings().base_url, api_key="x" * 40)  # what `wandb login` does
    assert mode(log, tmp_path) == "online"
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password x\n")  # of an older version
    assert mode(log, tmp_path) == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert mode(log, tmp_path) == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "x")
    assert mode(log, tmp_path) == "online"
    assert mode(made(mode="offline"), tmp_path) == "offline"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode(log, tmp_path) == "disabled"
    assert mode(made(mode="online"), tmp_path) == "online"
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(Refusal, match="mode=online: there is no key"):
        made(mode="online").build(tmp_path, {})
    monkeypatch.setenv("WANDB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    assert mode(made(mode="online"), tmp_path) == "online"


def test_finishing_what_never_began_is_no_error() -> None:
    made().finish(failed=True)


@pytest.mark.parametrize("bad", [{"project": ""}, {"mode": "sometimes"}, {"tags": "word"}, {"entity": 3}, {"name": ""}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        made(**bad)
