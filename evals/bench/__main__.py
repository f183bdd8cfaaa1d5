"""`python -m evals.bench [PART …]`: measures the parts, prints a table and, after all of them, writes docs/bench.md."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from evals.bench import bulk, composing, embedder, machine, report, rivals, serving
from evals.bench.figures import Section, plain

PARTS = ("embedder", "composer", "service", "bulk", "rivals")


def main() -> None:
    """Measures the parts asked for, by default all of them."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description="Speed, memory and agreement.")
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; default all, then docs/bench.md is written"
    )
    parts = parser.parse_args().parts
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    began = time.monotonic()
    os.sched_setaffinity(0, {machine.CLIENT})
    for name in [name for name in os.environ if name.startswith("FIRSTREPLY_") and name not in {"FIRSTREPLY_MODELS_DIR"}]:
        del os.environ[name]  # the defaults are measured
    sections: list[Section] = []
    speed: serving.Speed | None = None
    with tempfile.TemporaryDirectory(prefix="firstreply-bench-") as temporary:
        folder = Path(temporary)
        described = machine.describe(folder)
        print(described, flush=True)
        for part in parts or PARTS:
            if part == "embedder":
                sections.append(embedder.measure())
            elif part == "composer":
                sections.append(composing.measure())
            elif part == "service":
                section, speed = serving.measure(folder)
                sections.append(section)
            elif part == "bulk":
                sections.append(bulk.measure(folder))
            else:
                sections.append(rivals.measure(folder, speed))
            machine.note_load(part)
            print(plain(sections[-1:]), flush=True)
    seconds = time.monotonic() - began
    print(f"\n{seconds:.0f} s" + "".join(f"\nothers were busy: {name}" for name in dict.fromkeys(machine.noisy)))
    if not parts:
        report.write(machine.ROOT / "docs" / "bench.md", described, sections, machine.noisy, seconds)
        print("written to docs/bench.md")


if __name__ == "__main__":
    main()
