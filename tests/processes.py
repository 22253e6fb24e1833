"""Several processes of one run, started by a test."""

import socket
import subprocess
from collections.abc import Sequence


def free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def printed_by(processes: Sequence["subprocess.Popen[str]"], seconds: float) -> list[str]:
    """Wait until all ``processes`` have ended well, at most so many ``seconds`` each; return what they printed."""
    try:
        printed = [each.communicate(timeout=seconds)[0] for each in processes]
    finally:
        for each in processes:
            each.kill()
    assert [each.returncode for each in processes] == [0] * len(processes), "\n".join(printed)[-4000:]
    return printed
