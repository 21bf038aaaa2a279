"""What the processes that workers start for code they do not trust are given of this one: nearly nothing."""

import os
import sys
from typing import Final

# The worker's settings, secrets among them, stay here.
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


def bare_environment(home: str) -> dict[str, str]:
    """What a child needs to start and to find our modules; `home` is the folder it may write to."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": home,
        "TMPDIR": home,
    }
