"""Words of other templates: what they are called here is itself a command line that passes."""

import shlex

import pytest

from temper.command import command_line
from temper.command.translations import translated
from temper.refusal import Refusal

PASSES = [  # words typed, and those that are named in their place
    ("experiment=baseline/digits_mlp", "recipe=baseline/digits_mlp"),
    ("datamodule=cifar10", "data=cifar10"),
    ("model=mlp", "task=mlp"),
    ("model=resnet18", "task=cifar_resnet task.stages=4 task.depth=18"),
    ("net=preact_resnet20", "task=cifar_resnet task.depth=20"),
    ("lr=0.1", "optimizer.lr=0.1"),
    ("gpus=2", "trainer=gpu trainer.devices=2"),
    ("accelerator=gpu", "trainer.accelerator=gpu"),
    ("trainer.max_epochs=3", "epochs=3"),
    ("trainer.precision=bf16-mixed", "precision=bf16-mixed"),
    ("trainer.gradient_clip_val=0.5", "clip.kind=norm clip.value=0.5"),
    ("trainer.fast_dev_run=true", "debug=steps"),
    ("trainer.overfit_batches=1", "debug=overfit"),
    ("trainer.profiler=simple", "debug=profile"),
    ("trainer.check_val_every_n_epoch=2", "validate_every=2"),
    ("trainer.log_every_n_steps=10", "flush_every=10"),
    ("data.batch_size=32", "batch_size=32"),
]
SAID = [
    ("resume=outputs/mine", "hydra.run.dir=outputs/mine, with the words that the run was started with"),
    ("trainer.num_nodes=2", "trainer.nodes=2, with trainer=ddp"),
    ("trainer.max_steps=100", "debug.steps=100"),
    ("trainer.accumulate_grad_batches=4", "accumulate=4 with batch_size 4 times as large: here batch_size is that of"),
    ("trainer.accumulate_grad_batches={0:4}", "accumulate with batch_size as many times as large"),
    ("logger=tensorboard", "metrics.csv and curves.png, which are always written, and logger=[wandb]"),
    ("logger=[csv,wandb]", "always written"),
    ("wandb.project=mine", "here it is logger=[wandb]"),
    ("model.lr=0.1", "here it is task"),
    ("model=resnet152", "task=cifar_resnet, with task.depth=20, 32"),
    ("model=vit", "task; there is cifar_resnet"),
]


@pytest.mark.parametrize(("typed", "meant"), PASSES)
def test_leads_to_words_that_pass(typed: str, meant: str) -> None:
    assert translated(*typed.split("=", 1)) == meant
    with pytest.raises(Refusal, match=f": here it is {meant}$"):
        command_line.check([typed])
    command_line.check(shlex.split(meant))


@pytest.mark.parametrize(("typed", "said"), SAID)
def test_says_what_it_is_here(typed: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        command_line.check([typed])
    assert said in str(refused.value)


def test_several_at_once_are_answered_too() -> None:
    with pytest.raises(Refusal, match="here it is recipe=a,b"):
        command_line.check(["-m", "experiment=a,b"])


def test_knows_no_other_words() -> None:
    assert translated("optimizer", "adam") is None
    assert translated("trainer.devices", "2") is None
