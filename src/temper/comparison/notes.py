"""What a reader must know beside a table of methods: what its means leave out, and what in it does not compare."""

from collections import Counter
from collections.abc import Iterator, Sequence

from temper.comparison.methods import Method
from temper.comparison.runs import Run
from temper.comparison.table import TO_TARGET, Row

ONCE = ("cost/wall_seconds", "cost/peak_memory_bytes")  # figures that hold what happens once in a process: imports
DIRTY = "+dirty"  # after a commit: the files were not as it has them


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what a reader must know beside the table of ``rows``, the first of which is the baseline's."""
    baseline = rows[0].method
    yield f"baseline: {baseline.name} ({baseline.first.folder})"
    if lost := [f"{row.method.name} lost {_lost(row.method)}" for row in rows if row.method.lost]:
        yield f"means and verdicts are of the runs that finished, which flatters a method that fails: {'; '.join(lost)}"
    if any(row.missed for row in rows):
        yield (
            "where a run did not reach its target there is neither mean nor verdict: a mean of the others would leave"
            " out the slowest"
        )
    # What is counted the same in every seed has an interval without a width, which misses nothing.
    if count := sum(row.interval is not None and row.interval[0] < row.interval[1] for row in rows):
        yield "beside a verdict stands the 95 % interval of the difference (Welch) to the baseline"
        if count > 1:
            yield (
                f"each interval stands alone: among {count}, at least one misses its true difference by chance in up to"
                f" {100 * (1 - 0.95**count):.0f} % of tables"
            )
    runs = [run for row in rows for run in row.method.runs.values()]
    yield from _apart(rows[0].metric, runs)
    commits = dict.fromkeys(run.commit for run in runs)
    if len(commits) > 1:
        yield f"the runs are of {len(commits)} commits: {', '.join(map(_short, commits))}"
        if any(commit.endswith(DIRTY) for commit in commits):
            yield f"{DIRTY}: with changes that stand in no commit, and may differ from run to run"


def _lost(method: Method) -> str:
    states = Counter("running or killed" if run.state == "running" else run.state for run in method.lost.values())
    told = ", ".join(f"{number} {state}" for state, number in states.items())
    return f"{len(method.lost)} of {len(method.lost) + len(method.runs)} ({told})"


def _apart(metric: str, runs: Sequence[Run]) -> Iterator[str]:
    """Yield what times, and memory, of ``runs`` do not compare for."""
    devices = dict.fromkeys(run.device for run in runs)
    if len(devices) > 1:
        yield f"times are of different devices: {'; '.join(devices)}"
    machines = dict.fromkeys(run.machine for run in runs)
    if len(machines) > 1:
        yield f"times and memory are of different numbers of processes: {'; '.join(machines)}"
    threads = sorted({run.threads for run in runs if run.threads is not None})
    if len(threads) > 1:
        yield f"times are of different numbers of threads in a process: {_listed(threads)}"
    forked = [run.forked for run in runs]
    if metric in ONCE and {True, False} <= set(forked):
        yield (
            f"{metric} does not compare: {forked.count(True)} of {len(runs)} runs were forked as trials of a sweep,"
            f" with torch imported before they began; {forked.count(False)} imported it themselves"
        )
    targets = sorted({run.target for run in runs if run.target is not None})
    if metric == TO_TARGET and len(targets) > 1:
        yield f"times are to different targets: {_listed(targets)}"


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _short(commit: str) -> str:
    name = commit.removesuffix(DIRTY)
    return (name[:10] or "none") + commit[len(name) :]
