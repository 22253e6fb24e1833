"""What the server imports that `temper.forked` forks programs from, once for them all."""

import atexit
import os
import signal
import traceback

# An interruption from the keyboard reaches all processes: the sweep's own says what there is to say.
before = signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    import temper.command.job
    import temper.run  # noqa: F401
    from temper.report.environment import commit
except ImportError:  # which multiprocessing would pass over, and each program would stumble on what is half there
    traceback.print_exc()
    raise SystemExit(1) from None
finally:
    signal.signal(signal.SIGINT, before)

SERVER = os.getpid()


def _leave() -> None:
    """End the server at once: taking torch down takes seconds, in which who reads its output would wait."""
    if os.getpid() == SERVER:
        os._exit(0)


commit()  # of the code that was imported: a program's report would tell that of the files as they are later
atexit.register(_leave)
