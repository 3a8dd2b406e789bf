"""Our supervisord: never gives up on a process, and takes its processes along when it is killed itself.

``python -m mostrador.operations.supervisor -c FILE`` takes supervisord's own options.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any, Dict, List, NoReturn

from supervisor import supervisord
from supervisor.options import ServerOptions
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

PR_SET_PDEATHSIG = 1  # prctl(2)
LONGEST_PAUSE = 3  # seconds between two starts of a process that cannot start; supervisord's own pause only grows


class _Options(ServerOptions):
    def execve(self, filename: str, argv: List[str], env: Dict[str, str]) -> NoReturn:
        """Become the program, which ends with its supervisor: left alone, it would hold ports and claims."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        os.execve(filename, argv, env)


_change_state = Subprocess.change_state


def _change_state_patiently(self: Subprocess, new_state: int, expected: bool = True) -> Any:
    if new_state == ProcessStates.BACKOFF:
        self.backoff = min(self.backoff, LONGEST_PAUSE - 1)  # also what it counts against startretries
    return _change_state(self, new_state, expected)


if __name__ == "__main__":
    Subprocess.change_state = _change_state_patiently
    supervisord.ServerOptions = _Options
    supervisord.main(sys.argv[1:])
