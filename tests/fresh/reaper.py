"""`python -m tests.fresh.reaper [--user NAME] COMMAND…` names the processes that a command leaves.

Ends with the command's status; names what is left on stderr, a line each after LEFT, and ends it.
"""

import argparse
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LEFT = "left running:"
PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 2.0


def main() -> int:
    """The command's status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    # From now on a process whose parent has ended becomes a child of ours, whoever started it.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    account = pwd.getpwnam(options.user) if options.user else None
    done = subprocess.run(
        options.command,
        check=False,
        user=account and account.pw_uid,
        group=account and account.pw_gid,
        extra_groups=[] if account else None,
    )
    end = time.monotonic() + GRACE_SECONDS
    while (left := children()) and time.monotonic() < end:
        time.sleep(0.1)
    for pid, command in left.items():
        print(LEFT, command, file=sys.stderr)
        os.kill(pid, signal.SIGKILL)
    return done.returncode


def children() -> dict[int, str]:
    """Command lines of our children by process id, those that have ended taken away."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids}
    return {pid: line.replace(b"\0", b" ").decode() for pid, line in lines.items()}


if __name__ == "__main__":
    sys.exit(main())
