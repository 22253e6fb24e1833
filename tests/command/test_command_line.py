"""What is typed, looked at before Hydra sees it; what is refused, tests/test_refusals.py lists."""

from temper.command import command_line


def test_good_command_lines_pass() -> None:
    for words in (
        ["optimizer=adam", "optimizer.beta1=0.8"],
        ["-m", "optimizer=sgd,adam", "seed=1,2"],
        ["augmentation=[]"],
    ):
        command_line.check(words)
