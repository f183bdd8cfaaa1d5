"""A measured figure beside its target, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Target:
    """The most or the least that a figure may be."""

    most: float | None = None
    least: float | None = None

    def met(self, value: float) -> bool:
        """Whether the value lies within the target."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the table; without a target it is there to compare with."""

    name: str
    value: float
    unit: str
    target: Target | None = None
    digits: int = 1

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, value with unit, target, verdict."""
        value = f"{self.value:,.{self.digits}f} {self.unit}".strip()
        if self.target is None:
            return self.name, value, "", ""
        return self.name, value, str(self.target), "met" if self.target.met(self.value) else "missed"


@dataclass(frozen=True)
class Section:
    """What was measured together, how, and what it gave."""

    title: str
    method: str
    figures: tuple[Figure, ...]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` percent of the values lie."""
    return float(np.percentile(values, share))


def plain(sections: Sequence[Section]) -> str:
    """The sections as a table for a terminal."""
    rows = [figure.cells for section in sections for figure in section.figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines: list[str] = []
    for section in sections:
        lines.append(f"\n{section.title}")
        for figure in section.figures:
            name, value, target, verdict = figure.cells
            line = f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {target:<{widths[2]}}  {verdict}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def markdown(sections: Sequence[Section]) -> str:
    """The sections as Markdown: a table each, and how it was measured."""
    parts: list[str] = []
    for section in sections:
        rows = "\n".join("| " + " | ".join(figure.cells) + " |" for figure in section.figures)
        head = "| figure | measured | target | |\n|---|---:|---|---|" if section.figures else ""
        parts.append(f"## {section.title}\n\n" + f"{head}\n{rows}\n\n".lstrip() + f"{section.method}\n")
    return "\n".join(parts)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Cells in columns, two spaces between them."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
