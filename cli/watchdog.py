"""Ends the supervisor's processes when the supervisor is gone; started by it as `python -m cli.watchdog`.

Each line on standard input is the set of process groups that live now. The pipe ends when the supervisor does,
however it ended, SIGKILL included: what is left in the last set is stopped. Works where PR_SET_PDEATHSIG does not,
and reaches grandchildren, which PR_SET_PDEATHSIG does not.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 8.0


def signal_group(group: int, number: int) -> bool:
    """Send a signal (0: only ask) to a process group; False when nothing of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS answers so for a group of which only zombies are left.
        return False
    return True


def stop_groups(groups: set[int], grace_seconds: float) -> None:
    """SIGTERM to the groups, then SIGKILL to those that are still there after the grace."""
    deadline = time.monotonic() + grace_seconds
    left = {group for group in groups if signal_group(group, signal.SIGTERM)}
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        groups = {int(word) for word in line.split()}
    stop_groups(groups, GRACE_SECONDS)


if __name__ == "__main__":
    main()
