"""What is typed, looked at before Hydra sees it; what is refused, tests/test_refusals.py lists."""

import pytest

from temper.command import command_line
from temper.refusal import Refusal


def test_good_command_lines_pass() -> None:
    for words in (
        ["optimizer=adam", "optimizer.beta1=0.8"],
        ["-m", "optimizer=sgd,adam", "seed=1,2"],
        ["augmentation=[]"],
    ):
        command_line.check(words)


REFUSED = [  # words typed, what the message must say
    (("optimizer=AdamW",), ("did you mean adamw?",)),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_says_the_way_out(words: tuple[str, ...], said: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        command_line.check(words)
    assert all(each in str(refused.value) for each in said), str(refused.value)
