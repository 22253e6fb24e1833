"""Transfer from a run: weights equal to its own to the bit, those that are frozen for good, steps as plain torch's."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.transfer.conftest import DIGITS, RESNET, Started, state_of, words
from torch.nn import functional as F

from temper.command.job import Job
from temper.network.mlp import MLP
from temper.range_test import measure
from temper.refusal import Refusal
from temper.report.measure import multiply_adds
from temper.report.record import Report
from temper.run import run
from temper.training.build import build_batches
from temper.training.frozen import Frozen

Start = Callable[..., Started]
JobOf = Callable[..., Job]


def test_all_is_the_sources_to_the_bit(digits: Path, started: Start) -> None:
    module, notes, callbacks = started(*DIGITS, *words(digits))
    state, source = module.network.state_dict(), state_of(digits, "best")
    assert state.keys() == source.keys()
    assert all(torch.equal(value, source[name]) for name, value in state.items())
    file = digits / "checkpoints" / "best.ckpt"
    assert notes == [f"transfer=checkpoint: of {file} are hidden.linear1, hidden.linear2, head; new: nothing"]
    assert callbacks == []


def test_a_checkpoint_is_taken_as_it_is_named(digits: Path, started: Start) -> None:
    file = digits / "checkpoints" / "last.ckpt"
    module, notes, _ = started(*DIGITS, *words(file))
    assert torch.equal(module.network.head.weight, state_of(digits)["head.weight"])  # type: ignore[union-attr]
    assert f"of {file} are" in notes[0]


def test_in_double_precision_nothing_is_rounded(job_of: JobOf, tmp_path: Path, started: Start) -> None:
    run(job_of(*DIGITS, "epochs=1", "precision=64-true", folder=tmp_path / "double"))
    module, _, _ = started(*DIGITS, "precision=64-true", *words(tmp_path / "double"))
    source = state_of(tmp_path / "double", "best")
    assert not torch.equal(source["head.weight"], source["head.weight"].float().double())
    assert all(torch.equal(value, source[name]) for name, value in module.network.state_dict().items())


def test_a_new_head_is_as_it_was_drawn(digits: Path, started: Start) -> None:
    drawn = started(*DIGITS)[0].network.state_dict()
    module, notes, _ = started(*DIGITS, *words(digits, "transfer.head=new"))
    source = state_of(digits, "best")
    for name, value in module.network.state_dict().items():
        assert torch.equal(value, (drawn if name.startswith("head.") else source)[name]), name
    assert notes[0].endswith("are hidden.linear1, hidden.linear2; new: head")


def test_other_images_and_classes_have_a_stem_and_a_head_of_their_own(resnet: Path, started: Start) -> None:
    other = ("data=image_folder", "data.root=my_photos", "preprocessing=[]", "transfer.head=new")
    module, notes, _ = started(*RESNET, *other, *words(resnet))
    assert module.network.head.out_features == 3  # type: ignore[union-attr]
    assert notes[0].endswith("are stem, stages.0.0, stages.1.0, stages.2.0; new: head")
    grey, notes, callbacks = started(
        *(*RESNET, "data=fashion_mnist", "transfer.head=new"), *words(resnet, "transfer.freeze=2")
    )
    drawn = started(*RESNET, "data=fashion_mnist")[0].network.state_dict()
    source = state_of(resnet, "best")
    for name, value in grey.network.state_dict().items():
        assert torch.equal(value, (drawn if name.startswith(("head.", "stem.")) else source)[name]), name
    assert notes[0].endswith("are stages.0.0, stages.1.0, stages.2.0; new: stem, head")
    assert notes[1].endswith("frozen are stages.0.0 for good")  # what is new learns, though it lies among the two
    assert len(callbacks) == 1
    frozen = {name for name, weight in grey.network.named_parameters() if not weight.requires_grad}
    assert frozen == {name for name, _ in grey.network.named_parameters() if name.startswith("stages.0.")}


KEPT = [
    "optimizer=adamw optimizer.weight_decay=0.1 penalty=[l2] averaging=ema",
    "optimizer=sam clip.kind=norm groups=layer_decay",
    "optimizer=lookahead optimizer.k=2 groups=head",
    "optimizer=schedule_free_adamw",
    "activation_checkpointing=blocks accumulate=2 averaging=swa averaging.start=0 clip.kind=adaptive clip.value=0.01",
]


@pytest.mark.parametrize("method", KEPT)
def test_what_is_frozen_stays_to_the_bit_and_the_rest_moves(method: str, resnet: Path, job_of: JobOf) -> None:
    job = job_of(*RESNET, "epochs=2", *words(resnet, "transfer.freeze=3"), *method.split())
    run(job)
    source = state_of(resnet, "best")
    for name in ("last", "best"):
        for key, value in state_of(job.folder, name).items():
            frozen = key.startswith(("stem.", "stages.0.", "stages.1."))
            if frozen or not key.endswith("num_batches_tracked"):  # two counts may be the same
                assert torch.equal(value, source[key]) is frozen, f"{name}: {key}"


def test_the_head_alone_costs_its_own_gradient(digits: Path, started: Start, job_of: JobOf) -> None:
    module, _, callbacks = started(*DIGITS, *words(digits, "transfer.freeze=backbone"))
    forward = 64 * 16 + 16 * 8 + 8 * 10
    assert multiply_adds(module.network, (64,)) == (forward, forward + 8 * 10)
    assert isinstance(callbacks[0], Frozen)
    report = run(job_of(*DIGITS, "epochs=2", *words(digits, "transfer.freeze=backbone")))
    assert report.cost.training_multiply_adds == (forward + 80) * 2 * 1079


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_gradual_unfreezing_is_plain_torch_on_more_and_more_weights(
    optimizer: str, job_of: JobOf, tmp_path: Path
) -> None:
    plain = (*DIGITS, "precision=64-true", "groups=all", f"optimizer={optimizer}", "optimizer.lr=0.05")
    run(job_of(*plain, "epochs=1", folder=tmp_path / "source"))
    source = words(tmp_path / "source", "transfer.freeze=backbone", "transfer.unfreeze=3steps")
    job = job_of(*plain, *source, "optimizer.weight_decay=0.01", "epochs=2", "seed=3")
    network = MLP((64,), 10, hidden=(16, 8), between="relu").double().requires_grad_(False)
    network.load_state_dict(state_of(tmp_path / "source", "best"))
    batches = build_batches(job.experiment)
    batches.setup("fit")
    loader, rules, step = batches.train_dataloader(), [], 0
    begins = {0: network.head, 3: network.hidden[2], 6: network.hidden[0]}
    for _ in range(2):
        for batch in loader:
            if step in begins:  # a rule of its own, so that its state begins here
                own = list(begins[step].requires_grad_().parameters())
                rules.append(
                    torch.optim.SGD(own, 0.05, momentum=0.9, weight_decay=0.01)
                    if optimizer == "momentum"
                    else torch.optim.Adam(own, 0.05, weight_decay=0.01)
                )
            network.zero_grad()
            F.cross_entropy(network(batch.inputs.double()), batch.targets).backward()
            for rule in rules:
                rule.step()
            step += 1
    assert step == 8
    run(job)
    for name, value in state_of(job.folder).items():
        torch.testing.assert_close(value, network.state_dict()[name], rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize(
    ("method", "step", "place"),
    [
        ("optimizer=momentum averaging=ema", 5, "on_train_batch_end"),
        ("optimizer=momentum averaging=ema", 8, "on_train_end"),
        ("optimizer=sam groups=layer_decay scheduler=triangular", 4, "on_train_epoch_end"),
    ],
)
def test_a_run_that_unfreezes_is_resumed(
    method: str, step: int, place: str, resnet: Path, job_of: JobOf, tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    small = (*RESNET, "batch_size=30", "epochs=2", "checkpoint_seconds=1e-9")  # 4 steps an epoch
    source = words(resnet, "transfer.freeze=backbone", "transfer.unfreeze=2steps")
    whole = job_of(*small, *source, *method.split(), folder=tmp_path / "whole")
    first = run(whole)
    job = job_of(*small, *source, *method.split())
    cut_off(job, step, place)
    second = run(job)
    for name in ("last", "best"):
        one, other = state_of(whole.folder, name), state_of(job.folder, name)
        assert all(torch.equal(one[key], other[key]) for key in one), name
    assert first.metrics == second.metrics
    assert first.notes == [note for note in second.notes if not note.startswith("taken again")]


def test_the_report_says_what_was_taken(digits: Path, job_of: JobOf, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("transfer.head=new", "transfer.freeze=1", "transfer.unfreeze=50%", "task.hidden=[16,9]")
    job = job_of(*DIGITS, "epochs=2", "preprocessing=[]", *words(digits, *more))
    capsys.readouterr()
    run(job)
    told = [
        f"transfer.run={digits} was trained with another task.hidden, preprocessing.standardize",
        f"transfer=checkpoint: of {digits}/checkpoints/best.ckpt are hidden.linear1; new: hidden.linear2, head",
        "transfer=checkpoint: frozen are hidden.linear1 until step 4",
    ]
    assert json.loads((job.folder / "report.json").read_text())["notes"][:3] == told
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line.startswith("note: ")][:3] == [f"note: {line}" for line in told]


def test_a_finished_run_is_told_even_without_its_source(
    digits: Path, job_of: JobOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(digits, tmp_path / "source")
    job = job_of(*DIGITS, "epochs=1", *words(tmp_path / "source"))
    run(job)
    (tmp_path / "source").rename(tmp_path / "gone")
    assert run(job).state == "finished"
    assert "nothing to train" in capsys.readouterr().out
    assert len(Report.load(job.folder).attempts) == 1


def test_a_range_test_begins_with_the_weights(digits: Path, job_of: JobOf) -> None:
    frozen = ("transfer.freeze=backbone", "transfer.unfreeze=1epochs")
    fresh, trained, held = (
        measure(job_of(*DIGITS, "epochs=5", *more), 1e-6, 1e-5, 20, lambda *_: None)
        for more in ((), words(digits), words(digits, *frozen))
    )
    assert trained.before == held.before < fresh.before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("data=tanh_threshold", "preprocessing=[]"),
            r"transfer\.head=keep: .*10 classes.*2 classes.*data that is meant\? Give.*data words again.*head=new",
        ),
        (("task.hidden=[16,9]",), r"transfer\.head=keep: .*another number of features.*head=new"),
        (("task.hidden=[17,8]",), r"nothing of .*best\.ckpt has the names and the shapes"),  # but its head's
        (("task.hidden=[9]", "transfer.head=new"), r"nothing of .*best\.ckpt has the names and the shapes"),
        (("transfer.freeze=3",), r"transfer\.freeze=3: the network has 2 blocks.*backbone"),
        (
            ("data=tanh_threshold", "preprocessing=[]", "transfer.head=new", "transfer.freeze=1"),
            r"transfer\.freeze names blocks that were not taken.*transfer\.freeze=null",
        ),
        (("data.test=0.3",), r"same data, split otherwise.*data\.validation=0\.2 and data\.test=0\.2"),
        (("data.validation=0",), r"same data, split otherwise"),
    ],
)
def test_refuses(
    more: tuple[str, ...], message: str, digits: Path, job_of: JobOf, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        run(job_of(*DIGITS, *words(digits), *more, folder=tmp_path / "refused"))
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert not (tmp_path / "refused").exists()


def test_other_spoiling_of_the_same_split_is_no_other_split(digits: Path, job_of: JobOf) -> None:
    report = run(job_of(*DIGITS, "epochs=1", "data.label_noise=0.2", *words(digits)))
    assert report.state == "finished"


def test_ckpt_of_a_run_that_froze_is_of_other_groups(
    digits: Path, job_of: JobOf, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(*DIGITS, "epochs=1", *words(digits, "transfer.freeze=backbone"))
    run(job)
    with pytest.raises(SystemExit):
        run(job_of(*DIGITS, "epochs=2", f"ckpt={job.folder}/checkpoints/last.ckpt", folder=job.folder / "more"))
    assert "other groups" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("ckpt=a/last.ckpt",), r"ckpt=a/last\.ckpt .*transfer=checkpoint.*transfer=none"),
        (("transfer.freeze=1", "pruning=magnitude"), r"transfer\.freeze .*pruning=magnitude.*pruning=none"),
        (("transfer.freeze=1", "transfer.unfreeze=40epochs"), r"transfer\.unfreeze=40epochs .*epochs=40.*null"),
        (("transfer.freeze=1", "transfer.unfreeze=100%"), r"transfer\.unfreeze=100%"),
        (("task.hidden=[]", "transfer.head=new"), r"transfer\.head=new .*task=mlp.*transfer\.head=keep"),
        (("task.hidden=[]", "transfer.freeze=backbone"), r"task=mlp.*transfer\.freeze=null"),
        (("sampling=poisson", "privacy=dp_sgd"), r"privacy=dp_sgd .*transfer=checkpoint.*transfer=none"),
        (
            (
                "distillation=[logits]",
                "distillation.logits.teacher=a/run",
                "weighting=gradnorm",
                "weighting.layer=head",
                "transfer.freeze=backbone",
            ),
            r"transfer\.freeze .*weighting\.layer=head may be one of them.*weighting\.layer=null",
        ),
    ],
)
def test_refuses_in_a_run(more: tuple[str, ...], message: str, job_of: JobOf) -> None:
    with pytest.raises(Refusal, match=message):
        job_of(*words(Path("a/run")), *more)


@pytest.mark.parametrize("just", ["99%", "39epochs", "5000steps"])
def test_goes_up_to_its_bound(just: str, job_of: JobOf) -> None:
    job = job_of(*words(Path("a/run"), "transfer.freeze=1"), f"transfer.unfreeze={just}")
    assert job.experiment.transfer.freezes


@pytest.mark.parametrize("nobody", ["null", "''"])
def test_refuses_no_source(nobody: Any, job_of: JobOf) -> None:
    with pytest.raises(Refusal, match=r"transfer\.run=.*a transfer needs a source.*transfer\.run=RUN"):
        job_of("transfer=checkpoint", f"transfer.run={nobody}")
