"""Where a run took place: versions, device, and the commit."""

import subprocess
from pathlib import Path

import pytest
import torch

from temper import bf16
from temper.report import environment


def test_the_environment_names_versions_and_the_cpu() -> None:
    versions = environment.versions()
    assert versions["torch"] == torch.__version__.partition("+")[0] or versions["torch"] == torch.__version__
    assert {"python", "lightning"} <= versions.keys()
    assert environment.device_name(torch.device("cpu"))
    commit = environment.commit()
    assert commit is None or len(commit.removesuffix("+dirty")) in (40, 64)


@pytest.mark.parametrize(("native", "ending"), [(True, ", bf16)"), (False, ")")])
def test_kinds_of_one_makers_name_are_told_apart(native: bool, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_cpu_name", lambda: "a CPU")
    monkeypatch.setattr(bf16, "native", lambda: native)
    known = torch.backends.cpu.get_cpu_capability()
    assert environment.device_name(torch.device("cpu")) == f"a CPU ({known}{ending}"


def test_the_commit_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment.commit()
    monkeypatch.setattr(environment, "_commit", lambda checkout: "of an edit that this process does not run")
    assert environment.commit() == before


def test_the_commit_says_when_files_differ(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert environment._commit(tmp_path) is None
    git("init", "-q")
    assert environment._commit(tmp_path) is None  # nothing committed yet
    (tmp_path / "code.py").write_text("1")
    git("add", "."), git("commit", "-q", "-m", "first")
    assert environment._commit(tmp_path) == git("rev-parse", "HEAD")
    for name in ("results.csv", "tuning.csv", "README.md", "CHOOSING.md", "loss/a.md"):  # written of measurements
        (tmp_path / "recipes" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "recipes" / name).write_text("3")
    assert environment._commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "recipes" / "loss" / "a.yaml").write_text("4")
    assert environment._commit(tmp_path) == git("rev-parse", "HEAD") + "+dirty"
    (tmp_path / "recipes" / "loss" / "a.yaml").unlink()
    (tmp_path / "new.py").write_text("2")
    assert environment._commit(tmp_path) == git("rev-parse", "HEAD") + "+dirty"
    (tmp_path / "inner").mkdir()
    assert environment._commit(tmp_path / "inner") is None  # somebody else's checkout around us
