"""Options that each did what they say, and not together: what a pair computes, or with what words it is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from temper import bf16
from temper.command.job import Job
from temper.optimizer.sam import SAM
from temper.report.record import Report
from temper.run import run
from temper.trainer.emulation import precision_arguments
from temper.training.metrics_file import read_rows

CPU = ("trainer=cpu", "trainer.threads=1")
SHORT = (*CPU, "epochs=2", "batch_size=100", "task.hidden=[8]", "flush_every=1")
Jobs = Callable[..., Job]


@pytest.fixture
def teacher(job_of: Jobs, tmp_path: Path) -> Path:
    run(job_of(*SHORT, folder=tmp_path / "teacher"))
    return tmp_path / "teacher"


def taught(name: str, teacher: Path) -> tuple[str, ...]:
    return f"distillation=[{name}]", f"distillation.{name}.teacher={teacher}"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


def refused(job: Job, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        run(job)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_gradnorm_walks_back_through_recomputed_blocks_more_than_once(
    job_of: Jobs, teacher: Path, tmp_path: Path
) -> None:
    words = (*SHORT, *taught("logits", teacher), "weighting=gradnorm")
    for name, more in (("kept", ()), ("recomputed", ("activation_checkpointing=blocks",))):
        run(job_of(*words, *more, folder=tmp_path / name))
    kept, recomputed = weights(tmp_path / "kept"), weights(tmp_path / "recomputed")
    assert all(torch.equal(kept[key], recomputed[key]) for key in kept)


def test_what_is_emulated_is_rounded_where_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16, "native", lambda: False)
    torch.manual_seed(0)
    layer, inputs = nn.Linear(32, 16), torch.randn(8, 32)

    def answer(network: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16), bf16.Rounded():
            return network(inputs)

    with torch._inductor.config.patch(emulate_precision_casts=False):  # pytest's own undoing would hide the setting
        precision_arguments("bf16-mixed", {"accelerator": "cpu"})
        torch._dynamo.reset()
        assert torch.equal(answer(torch.compile(layer)), answer(layer))
    unrounded = nn.functional.linear(inputs, layer.weight, layer.bias).bfloat16()
    assert not torch.equal(answer(layer), unrounded)


def test_time_to_target_is_that_of_what_is_delivered(job_of: Jobs) -> None:
    job = job_of(*CPU, "pruning=magnitude", "pruning.end=0.9", "epochs=10", "target=0.5", "flush_every=1")
    report = run(job)
    rows = read_rows(job.folder / "metrics.csv")
    settled = 0.9 * report.attempts[-1].last_step
    reached = [row for row in rows if row["val/accuracy"] and float(row["val/accuracy"]) >= 0.5]
    first = next(row for row in reached if int(row["step"]) >= settled)
    seconds = {row["step"]: float(row["seconds"]) for row in rows if row["seconds"]}
    assert int(reached[0]["step"]) < settled
    assert report.speed.seconds_to_target == pytest.approx(seconds[first["step"]], abs=0.01)


def test_a_budget_ends_a_run_that_is_still_being_pruned(job_of: Jobs) -> None:
    words = ("pruning=magnitude", "epochs=20", "stopping=[wall_time]", "stopping.wall_time.minutes=1e-9")
    report = run(job_of(*CPU, *words, "flush_every=1"))
    assert report.attempts[-1].last_step == 1
    assert report.stopped is not None
    assert "before the network was as small as it was to be" in report.stopped


def test_what_is_removed_takes_no_part_in_the_way_up(job_of: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of(*SHORT, "pruning=magnitude", "optimizer=sam", "pruning.start=0.0", "pruning.end=0.0")
    assert isinstance(job.experiment.optimizer, SAM)
    found: list[float] = []
    climb = SAM.build.__globals__["_Climbing"]._climb

    def watched(self: torch.optim.Optimizer, values: list[torch.Tensor]) -> None:
        climb(self, values)
        found.append(sum(float((value == 0).sum()) for value in values if value.ndim == 2))

    monkeypatch.setattr(SAM.build.__globals__["_Climbing"], "_climb", watched)
    run(job)
    prunable = 64 * 8 + 8 * 10
    assert len(found) > 10
    assert min(found) >= round(job.experiment.pruning.sparsity * prunable)  # type: ignore[attr-defined]


def test_masks_of_units_and_of_weights_are_not_mistaken_for_each_other(
    job_of: Jobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for before, after in (("channels", "magnitude"), ("magnitude", "channels")):
        run(job_of(*SHORT, f"pruning={before}", folder=tmp_path / before))
        kept = tmp_path / before / "checkpoints" / "last.ckpt"
        said = refused(job_of(*SHORT, "epochs=4", f"pruning={after}", f"ckpt={kept}", folder=tmp_path / "x"), capsys)
        assert f"choose pruning={before}" in said


def test_a_scale_that_no_step_has_moved_ranks_nothing(
    job_of: Jobs, small_cifar10: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("task=cifar_resnet", "task.depth=8", "task.width=0.5", "pruning=channels", "pruning.by=scale", "epochs=2")
    said = refused(job_of(*CPU, *words, "pruning.start=0.0", "pruning.end=0.01"), capsys)
    assert "pruning.end=0.01" in said
    assert "pruning.by=l1" in said


def test_labels_may_be_noisier_than_the_teachers(job_of: Jobs, teacher: Path, tmp_path: Path) -> None:
    report = run(job_of(*SHORT, *taught("logits", teacher), "data.label_noise=0.2", folder=tmp_path / "student"))
    assert report.state == "finished"


def test_a_teacher_of_one_size_is_shown_no_other(
    job_of: Jobs, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job_of(*CPU, "task=mlp", "data=cifar10", "preprocessing=[normalize]", "epochs=1", folder=tmp_path / "rows"))
    words = ("task=convnet", "task.widths=[4,4]", "resolution=linear", *taught("logits", tmp_path / "rows"))
    said = refused(job_of(*CPU, *words, folder=tmp_path / "student"), capsys)
    assert "resolution=linear" in said
    assert "teacher" in said


def test_partners_are_counted_on_each_process(
    job_of: Jobs, teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SHORT, *taught("relational", teacher), "batch_size=4", "trainer=ddp", "trainer.devices=2")
    said = refused(job_of(*words, "trainer.accelerator=cpu", folder=tmp_path / "student"), capsys)
    assert "on 2 processes" in said
    assert "trainer.devices" in said


def test_shares_may_add_up_to_one_in_any_order(job_of: Jobs) -> None:
    names, shares = ("hints", "logits", "dkd"), (0.33, 0.56, 0.11)
    knobs = [f"distillation.{name}.weight={share}" for name, share in zip(names, shares, strict=True)]
    knobs += [f"distillation.{name}.teacher=a/run" for name in names]
    given = job_of(f"distillation=[{','.join(names)}]", *knobs).experiment.shares
    assert sum(shares) > 1  # in floating point
    assert given["task"] == 0.0


def test_what_channels_removed_is_told_of_on_transfer(job_of: Jobs, tmp_path: Path) -> None:
    run(job_of(*SHORT, "pruning=channels", folder=tmp_path / "cut"))
    words = ("transfer=checkpoint", f"transfer.run={tmp_path / 'cut'}")
    report = run(job_of(*SHORT, *words, folder=tmp_path / "next"))
    (told,) = (note for note in report.notes if "cut by pruning=channels" in note)
    way_out = told.rpartition(": ")[2].split()
    small = run(job_of(*SHORT, *words, *way_out, folder=tmp_path / "small"))
    as_it_was = Report.load(tmp_path / "cut").complexity.parameters
    assert small.complexity.parameters == as_it_was != report.complexity.parameters


def test_unfreezing_after_the_end_is_refused_in_steps_too(
    job_of: Jobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job_of(*SHORT, folder=tmp_path / "source"))
    words = ("transfer=checkpoint", f"transfer.run={tmp_path / 'source'}", "transfer.freeze=backbone")
    said = refused(job_of(*SHORT, *words, "transfer.unfreeze=1000steps", folder=tmp_path / "next"), capsys)
    assert "transfer.unfreeze=1000steps" in said


def test_a_table_is_the_same_however_its_path_is_written(
    job_of: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("\n".join(["a,b,kind", *(f"{row % 5},{row % 3},k{row % 2}" for row in range(80))]))
    words = (*CPU, "epochs=1", "data=table", "data.target=kind", "task.hidden=[4]")
    run(job_of(*words, "data.path=t.csv", folder=tmp_path / "teacher"))
    student = job_of(*words, f"data.path={tmp_path / 't.csv'}", *taught("logits", tmp_path / "teacher"))
    assert run(student).state == "finished"
