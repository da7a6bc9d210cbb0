"""What every benchmark shares: run a process, take medians, print a table, write a JSON file."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".build" / "benchmarks"


@dataclass(frozen=True)
class Sample:
    """One finished process: seconds of wall time, CPU seconds, peak memory in MiB, exit code."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int


def run(command: Sequence[str], *, env: dict[str, str] | None = None, stdout: Path | None = None) -> Sample:
    """Run a command to its end and measure it from outside."""
    with open(stdout or os.devnull, "wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def median(samples: Sequence[Sample]) -> Sample:
    """Return the median of every figure."""
    return Sample(
        statistics.median(one.wall_s for one in samples),
        statistics.median(one.cpu_s for one in samples),
        statistics.median(one.peak_mib for one in samples),
        samples[0].code,
    )


def finish(name: str, rows: Sequence[dict[str, object]]) -> None:
    """Print rows as a table and write them beside the machine's description."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [columns, *([_shown(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    RESULTS.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.system()}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"benchmark": name, "machine": machine, "rows": list(rows)}, indent=1) + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def as_row(label: str, sample: Sample, **more: object) -> dict[str, object]:
    """Return a row of a table."""
    return {"what": label, **asdict(sample), **more}


def own_peak_mib() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
