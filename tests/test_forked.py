"""Programs that begin with everything imported, against the same ones started by Python itself."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import temper
from temper import forked

SEEN = """\
import atexit, json, multiprocessing, os, sys
print(json.dumps({
    "words": sys.argv, "name": __name__, "spec": __spec__, "place": os.getcwd(),
    "own": os.environ.get("OWN"), "home": "HOME" in os.environ, "method": multiprocessing.get_start_method(),
    "main": sys.modules["__main__"].__file__,
}))
print("to stderr", file=sys.stderr)
atexit.register(print, "at exit")
"""
ENDS = {
    "": 0,
    "raise SystemExit(5)": 5,
    "import sys; sys.exit('said why')": 1,
    "1 / 0": 1,
    "import os; os._exit(7)": 7,
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
}


FORKED = pytest.mark.skipif(
    not forked._can_fork(), reason="another system than Linux, or a GPU: programs are not forked there"
)


def program(folder: Path, code: str) -> list[str]:
    path = folder / "program.py"
    path.write_text(code)
    return [sys.executable, str(path)]


@FORKED
def test_a_program_sees_what_it_would_see_started_by_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    command, log, values = [*program(tmp_path, SEEN), "a=1", "b c"], tmp_path / "log", {**os.environ, "OWN": "yes"}
    del values["HOME"]
    by_python = subprocess.run(command, env=values, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log.write_text("before\n")
    assert forked.Programs().call(command, log, values) == 0
    first, *rest = log.read_text().splitlines()
    assert first == "before"
    assert sorted(rest) == sorted(by_python.stdout.decode().splitlines())
    assert len(rest) == 3
    assert os.environ.get("OWN") is None


def test_nothing_of_one_program_reaches_the_next_and_torch_is_there_from_the_start(tmp_path: Path) -> None:
    code = (
        "import sys; before = 'torch' in sys.modules; import temper, os\n"
        "print(before, getattr(temper, 'left', None), os.getpid())\ntemper.left = 1\n"
    )
    command = program(tmp_path, code)
    for _ in range(2):
        assert forked.Programs().call(command, tmp_path / "log") == 0
    (first, nothing, one), (second, still, other) = (
        line.split() for line in (tmp_path / "log").read_text().splitlines()
    )
    assert first == second == str(forked._can_fork())
    assert nothing == still == "None"
    assert len({one, other, str(os.getpid())}) == 3


@pytest.mark.parametrize("forks", [True, False])
@pytest.mark.parametrize("code", ENDS)
def test_how_it_ended(code: str, forks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not forks:
        monkeypatch.setattr(forked, "_can_fork", lambda: False)
    log = tmp_path / "log"
    assert forked.Programs().call(program(tmp_path, code), log) == ENDS[code]
    said = log.read_text()
    assert said.endswith("ZeroDivisionError: division by zero\n") == (code == "1 / 0")
    assert ("said why\n" in said) == ("said why" in code)
    assert "Process" not in said


def test_beside_an_accelerator_a_program_is_started_anew(tmp_path: Path) -> None:
    _, path = program(tmp_path, "import sys; print('torch' in sys.modules, sys.argv[1:]); raise SystemExit(3)")
    code = (
        "import os, sys, torch; from temper import forked\n"
        "torch.accelerator.is_available = lambda: True\n"
        "forked._begin(sys.argv[1:], [os.dup(1), os.dup(2)], dict(os.environ))"
    )
    done = subprocess.run([sys.executable, "-c", code, path, "a b"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "False ['a b']\n"), done.stderr


def test_an_interruption_has_the_status_that_shells_give_it(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(60)"
    status = forked.Programs().call(program(tmp_path, code), tmp_path / "log")
    assert status in (forked.INTERRUPTED, -signal.SIGINT)


@FORKED
def test_after_an_interruption_nothing_begins_and_what_has_just_begun_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert forked.Programs().call(program(tmp_path, "pass"), log) == 0  # the server has imported what it imports
    command = program(tmp_path, "import time; print('here', flush=True); time.sleep(60)")
    with ThreadPoolExecutor(1) as pool:
        with suppress(KeyboardInterrupt), forked.programs() as these:
            status = pool.submit(these.call, command, log)
            while "here" not in log.read_text():
                time.sleep(0.01)
            raise KeyboardInterrupt
        assert status.result(timeout=20) in (forked.INTERRUPTED, -signal.SIGINT)
    assert these.call(command, log) == forked.INTERRUPTED
    assert forked.Programs().call(program(tmp_path, "pass"), log) == 0


def test_the_program_that_asks_is_not_run_again_and_files_where_one_stands_are_not_imported(tmp_path: Path) -> None:
    place, own = tmp_path / "place", tmp_path / "own"
    place.mkdir()
    own.mkdir()
    (place / "random.py").write_text("raise SystemExit('shadowed')")
    (own / "neighbour.py").write_text("NAME = 'neighbour'")
    (own / "asks.py").write_text(
        "import sys; from temper.forked import Programs; print('asks', flush=True)\n"
        "raise SystemExit(Programs().call([sys.executable, sys.argv[1]]))"
    )
    (own / "asked.py").write_text("import neighbour, os; print(neighbour.NAME, os.getcwd()); raise SystemExit(4)")
    done = subprocess.run(
        [sys.executable, str(own / "asks.py"), str(own / "asked.py")],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(forked.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout) == (4, f"asks\nneighbour {place}\n"), done.stderr


def test_each_of_many_at_a_time_has_its_own_status(tmp_path: Path) -> None:
    command = program(tmp_path, "import sys; raise SystemExit(int(sys.argv[1]))")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda number: forked.Programs().call([*command, str(number)], tmp_path / "log"), range(40))
        )
    assert statuses == list(range(40))


def test_the_wall_time_counts_from_the_programs_own_start(tmp_path: Path) -> None:
    code = "import json, temper, time; print(json.dumps([time.monotonic() - temper.started, temper.fresh]))"
    for _ in range(2):
        assert forked.Programs().call(program(tmp_path, code), tmp_path / "log") == 0
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert all(seconds < 1.0 for seconds, _ in told)
    assert [fresh for _, fresh in told] == [not forked._can_fork()] * 2
    assert temper.fresh  # this process, that was started by Python
