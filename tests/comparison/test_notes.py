from collections.abc import Callable
from pathlib import Path

from tests.comparison.conftest import compared, four

from temper.comparison.notes import notes
from temper.comparison.table import TO_TARGET, as_markdown

Made = Callable[..., Path]
BASELINE, WELCH = "baseline: ", "beside a verdict stands the 95 % interval"
UNLIKE = "times and memory are of different numbers of processes: 1 process; trainer=ddp on 2 processes"


def told(folders: list[Path], metric: str | None = None) -> list[str]:
    """Return the notes but those that every table of these runs has."""
    always = (BASELINE, WELCH, "each interval", "+dirty")
    return [note for note in notes(compared(folders, metric)) if not note.startswith(always)]


def test_notes_say_what_is_not_alike(made: Made) -> None:
    folders = four(made)
    dirty = "+dirty: with changes that stand in no commit, and may differ from run to run"
    assert list(notes(compared(folders[:6]))) == [
        f"baseline: optimizer=sgd ({folders[0]})",
        "beside a verdict stands the 95 % interval of the difference (Welch) to the baseline",
    ]  # of one commit, which no note names
    folders += [made("there", "adam", 9, device="a GPU", commit=None), made("clean", "nag", 9, commit="abcdef0123456")]
    assert list(notes(compared(folders)))[2:] == [
        "each interval stands alone: among 2, at least one misses its true difference by chance in up to 10 % of"
        " tables",
        "times are of different devices: this CPU; a GPU",
        "the runs are of 3 commits: abcdef0123+dirty, none, abcdef0123",
        dirty,
    ]
    assert not any(line.startswith("+dirty") for line in notes(compared(folders[-1:])))


def test_markdown_has_the_notes_beneath_it(made: Made) -> None:
    found = compared(four(made))
    table, told = as_markdown(found, notes(found)).split("\n\n")
    assert table.count("\n") == 5
    assert told.splitlines() == [f"- {note}" for note in notes(found)]


def test_which_methods_lost_how_many_runs(made: Made) -> None:
    folders, lion = four(made), {"choices": {"optimizer": "lion"}}
    assert told(folders) == []
    folders += [
        made("failed", "sgd", 7, None, state="failed"),
        *(made(f"dead_{seed}", "dead", seed, None, state="failed", **lion) for seed in range(2)),
        made("killed", "dead", 2, None, state="running", **lion),
    ]
    (note,) = told(folders)
    assert note == (
        "means and verdicts are of the runs that finished, which flatters a method that fails: optimizer=sgd lost 1 of"
        " 4 (1 failed); optimizer=lion lost 3 of 3 (2 failed, 1 running or killed)"
    )


def test_the_interval_is_explained_where_there_is_one(made: Made) -> None:
    folders = four(made)
    assert not any(note.startswith(WELCH) for note in notes(compared(folders[:3])))  # one method
    assert not any(note.startswith(WELCH) for note in notes(compared([folders[0], folders[-1]])))  # single seeds
    assert not any(note.startswith(WELCH) for note in notes(compared(folders[:6], "complexity/parameters")))  # counted
    assert any(note.startswith(WELCH) for note in notes(compared(folders[:6])))


def test_times_of_other_processes_and_threads_do_not_compare(made: Made) -> None:
    alone = [made(f"alone_{seed}", seed=seed, processes=1, threads=2) for seed in range(2)]
    two = [made(f"two_{seed}", seed=seed, processes=2, threads=1, choices={"trainer": "ddp"}) for seed in range(2)]
    assert told(alone) == []
    assert told([*alone, *two]) == [UNLIKE, "times are of different numbers of threads in a process: 1, 2"]


def test_what_happens_once_in_a_process_does_not_compare_of_a_fork(made: Made) -> None:
    cost = {"seconds": 1.0, "wall_seconds": 5.0}
    folders = [made(f"{forked}", seed=seed, forked=forked, cost=cost) for seed, forked in enumerate((False, True))]
    assert told([folders[0], made("earlier", seed=2, cost=cost)], "cost/wall_seconds") == []  # not noted
    assert told(folders) == told(folders, "cost/seconds") == told(folders[:1], "cost/wall_seconds") == []
    (note,) = told(folders, "cost/wall_seconds")
    assert note.startswith("cost/wall_seconds does not compare: 1 of 2 runs were forked as trials of a sweep")


def test_times_to_a_target(made: Made) -> None:
    def to(name: str, target: float, seconds: float | None) -> Path:
        return made(name, name, speed={"seconds_to_target": seconds}, target=target)

    first, second, missed = to("a", 0.8, 1.0), to("b", 0.9, 2.0), to("c", 0.8, None)
    assert told([first, second], TO_TARGET) == ["times are to different targets: 0.8, 0.9"]
    (note,) = told([first, missed], TO_TARGET)
    assert note.startswith("where a run did not reach its target there is neither mean nor verdict")
    assert told([first, missed]) == []
