"""The machine: what it is, which core is measured, and whether it is quiet enough to measure on."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CORES = sorted(os.sched_getaffinity(0))  # read before any process of ours is pinned
MEASURED, CLIENT = CORES[0], CORES[-1]
QUIET = 0.3  # cores that others keep busy, up to which a figure is taken
WAIT_SECONDS = 60.0  # longest wait for a quiet machine, once
MOST_WAITING = 120.0  # all waits of a run together
QUIETLY = {"TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
SIZE = 1024  # rows and columns of the matrices multiplied
OUR_LOAD = 1.8  # load average that a measured process and its client make by themselves
noisy: list[str] = []  # what was measured while others were busy
_waited: list[float] = []


def settle(name: str) -> None:
    """Waits until others leave the machine alone; a figure taken all the same is named in `noisy`.

    The share of the last second is looked at, not the load average: that one still counts our own last step.
    """
    start = time.monotonic()
    longest = min(WAIT_SECONDS, MOST_WAITING - sum(_waited))
    while (busy := _busy_cores()) > QUIET:
        if time.monotonic() - start > longest:
            noisy.append(f"{name} ({busy:.1f} cores busy)")
            break
    _waited.append(time.monotonic() - start)


def note_load(name: str) -> None:
    """Names in `noisy` what was measured while more ran than a server and its client."""
    load = os.getloadavg()[0]
    if load > OUR_LOAD:
        noisy.append(f"{name} (load {load:.1f})")


def _busy_cores(seconds: float = 1.0) -> float:
    def times() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # all, idle and waiting for a disk

    total, idle = times()
    time.sleep(seconds)
    total_after, idle_after = times()
    return (1 - (idle_after - idle) / max(total_after - total, 1)) * (os.cpu_count() or 1)


def pinned(command: Sequence[str], cores: Sequence[int], **given: Any) -> subprocess.Popen[bytes]:
    """Starts a command that may use these cores only."""
    return subprocess.Popen(command, cwd=ROOT, preexec_fn=lambda: os.sched_setaffinity(0, cores), **given)


def measured_by(module: str, *arguments: str, cores: Sequence[int] = (MEASURED,)) -> Any:
    """What `python -m MODULE ARGUMENTS`, confined to `cores`, prints as JSON."""
    command = [sys.executable, "-m", module, *arguments]
    environment = os.environ | QUIETLY | (ONE_THREAD if len(cores) == 1 else {})
    process = pinned(command, cores, env=environment, stdout=subprocess.PIPE)
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} ended with code {process.returncode}")
    return json.loads(printed)


def describe(folder: Path) -> str:
    """One line: processor, flags that matter, one core's speed, the disk under `folder`."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in info.split("\n\n", 1)[0].splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(fields.get("flags", "").split())
    known = ", ".join(f"{flag} {'yes' if flag in flags else 'no'}" for flag in ("avx512_bf16", "amx_bf16"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    settle("machine")
    speed = float(measured_by("evals.bench.machine"))
    return (
        f"{fields.get('model name', platform.processor())} (family {fields.get('cpu family', '?')}, model "
        f"{fields.get('model', '?')}), {len(CORES)} cores, {memory:.0f} GiB; {known}; "
        f"sgemm {speed:.0f} GFLOP/s on one core; fsync {fsync_ms(folder):.1f} ms; "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def fsync_ms(folder: Path, times: int = 40) -> float:
    """Median milliseconds to write 4 KiB and have them on the disk: every recorded triage waits for this."""
    taken: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def sgemm(times: int = 30) -> float:
    """GFLOP/s of the fastest of several float32 matrix products."""
    import numpy as np

    left, right = np.random.default_rng(1).random((2, SIZE, SIZE), np.float32)
    fastest = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        left @ right
        fastest = min(fastest, time.perf_counter() - start)
    return float(2 * SIZE**3 / fastest / 1e9)


if __name__ == "__main__":
    print(json.dumps(sgemm()))
