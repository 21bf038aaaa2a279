"""`python -m bench [NAME …]`: the hot paths beside a peer in the same run, as one table with the machine named."""

import argparse
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    cache,
    checks,
    dashboard,
    diff,
    dvc,
    expectations,
    gate,
    jobs,
    model_checks,
    predict,
    python_models,
    store,
    trials,
    upload,
)
from bench.table import BenchRow

BENCHES = {
    "checks": checks.run,
    "expectations": expectations.run,
    "jobs": jobs.run,
    "upload": upload.run,
    "dvc": dvc.run,
    "predict": predict.run,
    "python_models": python_models.run,
    "cache": cache.run,
    "diff": diff.run,
    "store": store.run,
    "gate": gate.run,
    "model_checks": model_checks.run,
    "trials": trials.run,
    "dashboard": dashboard.run,
}
NAMED = ("fastapi", "uvicorn", "celery", "sqlalchemy", "polars", "onnxruntime", "mlflow")


def machine() -> str:
    """Processor, cores, memory and the versions that matter, in one paragraph."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in NAMED)
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {libraries}"
    )


def drawn(rows: list[BenchRow]) -> Table:
    table = Table("what", "ours", "peer", "unit", "ours / peer", "the peer", title="Beside a peer, in the same run")
    for row in rows:
        table.add_row(row.name, _figure(row.ours), _figure(row.peer), row.unit, f"{row.ratio:.2f}", row.note)
    return table


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)}; all when none is named")
    chosen = parser.parse_args().names or list(BENCHES)
    unknown = sorted(set(chosen) - set(BENCHES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    console = Console()
    console.print(machine())
    rows: list[BenchRow] = []
    for name in chosen:
        with console.status(f"measuring {name}"):
            rows += BENCHES[name]()
    console.print(drawn(rows))
    broken = [f"{row.name}: {row.broken}" for row in rows if row.broken]
    if broken:
        sys.exit("A claim does not hold. " + " ".join(broken))


if __name__ == "__main__":
    main()
