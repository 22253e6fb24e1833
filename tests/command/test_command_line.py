"""What is typed, looked at before Hydra sees it; what is refused, tests/test_refusals.py lists."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.command import command_line
from temper.refusal import Refusal


def test_good_command_lines_pass() -> None:
    for words in (
        ["optimizer=adam", "optimizer.beta1=0.8"],
        ["-m", "optimizer=sgd,adam", "seed=1,2"],
        ["augmentation=[]"],
        ["data=table", 'data.target="Sale Price ($)"'],
        ["clip.value=0.5", "clip.kind=norm"],
        ["-m", "clip.value=0.5", "clip.kind=none,norm"],
        ["clip.kind=adaptive", "clip.value=0.01"],
    ):
        command_line.check(words)


REFUSED = [  # words typed, what the message must say
    (("optimizer=AdamW",), ("did you mean adamw?",)),
    (("+foo=1",), ("there is no foo",)),
    (("+optimizer.lrr=1",), ("did you mean lr?",)),
    (("+optimizer.lr=1",), ("write optimizer.lr=1",)),
    (("+optimizer=adam",), ("write optimizer=adam",)),
    (
        ("-m", "launcher=slurm", "launcher.options.constraint=h100", "seed=1,2"),
        ("write 'launcher.options={constraint: VALUE}'",),
    ),
    (("clip.value=1.0",), ("clip.value=1.0: nothing is clipped with clip.kind=none: add clip.kind=norm",)),
    (("-m", "clip.value=0.5,1.0"), ("clip.value=0.5,1.0", "add clip.kind=norm")),
    (("clip.kind=adaptive",), ("clip.kind=adaptive: clip.value=1 bounds another kind", "add clip.value=0.01")),
    (("-m", "clip.kind=none,adaptive"), ("clip.kind=none,adaptive", "add clip.value=0.01")),
    (("-m", "seed=range(3,3)"), ("seed=range(3,3): holds no value: for example seed=range(1,5)",)),
    (("-m", "seed=range(1,5,step=0)"), ("seed=range(1,5,step=0): holds no value: for example seed=range(1,5)",)),
    (("-m", "optimizer.lr=range(0.1,1.0,step=0)"), ("optimizer.lr=range(0.1,1.0,step=0): holds no value",)),
    (("-m", "seed=shuffle(range(5,1))", "epochs=1,2"), ("seed=shuffle(range(5,1)): holds no value",)),
    (
        ("-m", "optimizer@optimizer.base=range(3,3)", "optimizer=sam"),
        ("optimizer@optimizer.base=range(3,3): holds no value: for example optimizer@optimizer.base=",),
    ),
    (("search=random", "optimizer=sgd"), ("put -m in front, and give some key", "example -m search=random")),
    (("-m", "search=random", "optimizer=sgd"), ("of a sweep: give some key values", "example search=random")),
    (("trainer.devices=2",), ("trainer has no devices; trainer=ddp, fsdp, gpu has it",)),
    (("threads=1",), ("threads=1: there is no threads; did you mean trainer.threads?",)),
    (("padding=2",), ("did you mean augmentation.crop.padding?",)),
    (("value=2",), ("did you mean clip.value?",)),
    (("optimzer=adam",), ("did you mean optimizer?",)),
    (("averaging.decay=0.9",), ("averaging has no decay; averaging=ema has it",)),
    (("pruning.sparsity=0.5",), ("pruning=channels, lottery_ticket, magnitude, random has it",)),
    (("task.stages=4",), ("task=cifar_resnet has it",)),
    (("averaging.dcay=0.9",), ("it has no knobs",)),
    (("data.target=Sale Price ($)",), ("wants quotes of its own: 'data.target=\"Sale Price ($)\"'",)),
    (("augmentation=[crop,flip",), ("quote brackets and commas for the shell", "'augmentation=\"VALUE\"'")),
    ((f"hydra.run.dir={__file__}/mine",), ("test_command_line.py is a file: name a folder",)),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_says_the_way_out(words: tuple[str, ...], said: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        command_line.check(words)
    assert all(each in str(refused.value) for each in said), str(refused.value)


def test_values_of_a_sweep_that_are_none_are_values() -> None:
    command_line.check(["-m", "task.dropout=null,0.1"])
    command_line.check(["-m", "search=tpe", "optimizer@optimizer.base=adam,adamw", "optimizer=sam"])


def test_a_folder_that_nothing_can_be_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, _: place != tmp_path)  # root may write anywhere
    with pytest.raises(Refusal, match=f"nothing can be written into {tmp_path}: name another folder"):
        command_line.check([f"hydra.run.dir={tmp_path}/some/where"])


def test_a_sweep_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(Refusal, match="each of which would run the whole sweep"):
        command_line.check(["-m", "seed=1,2"])
    command_line.check(["seed=1"])
    for name in ("TORCHELASTIC_RUN_ID", "WORLD_SIZE"):
        monkeypatch.delenv(name)
    for number, name in (("2", "SLURM_NTASKS"), ("0", "SLURM_PROCID")):  # a batch script's own process
        monkeypatch.setenv(name, number)
    command_line.check(["-m", "launcher=ray", "seed=1,2"])
    monkeypatch.setenv("SLURM_PROCID", "1")
    with pytest.raises(Refusal, match="each of which would run the whole sweep"):
        command_line.check(["-m", "seed=1,2"])


def test_a_recipe_that_clips_adaptively_has_the_bound(kitchen: Callable[[str, str], None]) -> None:
    kitchen("baseline/agc", "clip: {kind: adaptive, value: 0.02}\n")
    command_line.check(["recipe=baseline/agc"])
    command_line.check(["recipe=baseline/agc", "clip.kind=adaptive"])
