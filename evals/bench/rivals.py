"""The same messages through what users would build instead: FastAPI, sentence-transformers on torch, qdrant-client."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

from evals.bench import client, machine, texts
from evals.bench.figures import Figure, Section, percentile
from evals.bench.serving import CONNECTIONS, Speed

CLIENT = "qdrant-client"
ROUNDS = 3
SINGLE, MANY, WARM = 60, 60, 5
PATH = "/search"

METHOD = f"""FastAPI, sentence-transformers on torch (one thread) and qdrant-client in memory, served by uvicorn on one core:
the same weights and messages; it embeds a message and searches the demo brand's FAQ passages with a brand filter, nothing
else, while FirstReply also classifies, reads orders, drafts, decides and records. {SINGLE} messages over one kept connection,
then {MANY} others over {CONNECTIONS}; median of {ROUNDS} rounds. Source: `evals/bench/rival_app.py`."""


def measure(folder: Path, ours: Speed | None) -> Section:
    """The rival's speed, and ours against it where ours was measured in the same run."""
    python, how = _python(folder)
    if python is None:
        return Section("What one would build instead, one core", f"Left out: {how}.", ())
    faqs = folder / "rival-faqs.json"
    faqs.write_text(json.dumps([{"brand": "demo", "id": f.id, "text": f"{f.title}\n{f.answer}"} for f in texts.faqs()]))
    environment = machine.QUIETLY | {"RIVAL_MODEL": str(texts.model_folder()), "RIVAL_FAQS": str(faqs)}
    command = [python, "-m", "uvicorn", "evals.bench.rival_app:app", "--log-level", "warning"]
    requests = [{"text": r["text"], "brand": r["brand"]} for r in texts.questions(WARM + SINGLE + MANY)]
    p50: list[float] = []
    single: list[float] = []
    many: list[float] = []
    machine.settle("rival")
    with client.serving(command, environment, folder / "rival.log") as server:
        client.latencies(server.port, PATH, requests[:WARM])
        for _ in range(ROUNDS):
            taken = client.latencies(server.port, PATH, requests[WARM : WARM + SINGLE])
            p50.append(percentile(taken, 50))
            single.append(len(taken) / sum(taken) * 1000)
            many.append(client.rate(server.port, PATH, requests[WARM + SINGLE :], CONNECTIONS))
        resident = server.resident_mb()
    figures = [
        Figure("one connection: p50", statistics.median(p50), "ms", digits=2),
        Figure("one connection", statistics.median(single), "messages/s"),
        Figure(f"{CONNECTIONS} connections", statistics.median(many), "messages/s"),
        Figure("resident memory", resident, "MB", digits=0),
    ]
    if ours is not None:
        figures += [
            Figure("FirstReply, one connection: times faster (p50)", statistics.median(p50) / ours.p50, "x", digits=2),
            Figure(f"FirstReply, {CONNECTIONS} connections: times more", ours.many / statistics.median(many), "x", digits=2),
        ]
    return Section("What one would build instead, one core", f"{METHOD}\n{how}.", tuple(figures))


def _python(folder: Path) -> tuple[str | None, str]:
    """A Python that has qdrant-client, and how it came by it; None where it can't be had, and why."""
    if importlib.util.find_spec("qdrant_client"):
        return sys.executable, f"{CLIENT} is the one installed beside FirstReply"
    home = folder / "rival-venv"
    venv.create(home, with_pip=True)
    python = str(home / "bin" / "python")
    packages = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})["purelib"]
    (Path(packages) / "beside.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _requirement()]
    tried = subprocess.run(install, capture_output=True, text=True, check=False)
    if tried.returncode:
        return None, f"{CLIENT} is not installed and pip could not get it"
    return python, f"{CLIENT} was installed for this run into a throwaway environment beside FirstReply's own"


def _requirement() -> str:
    """The version that the project's development group names."""
    groups = tomllib.loads((machine.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return next((line for line in groups["dev"] if line.startswith(CLIENT)), CLIENT)
