"""Files that appear when they are whole: written beside, then renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """An unfinished file beside `path`, which becomes it at the end of the block, or vanishes."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".millrace-")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
