"""Gates: what a release must hold, by measure and slice, against fixed limits and against a baseline."""

from __future__ import annotations

import difflib
import fnmatch
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evals.compare import Change, Comparison
from evals.measures import BY_NAME, LEAST, Measure, Number, number_of, slices
from evals.results import Result, Run
from service.errors import SettingsNotUsable
from service.yaml_files import explained, line_of

SIGNIFICANT = 0.05  # p value below which a difference is no chance
NAMED = 5  # cases that a reason names
Outcome = Literal["passed", "failed", "too small", "nothing to judge"]


class Gate(BaseModel):
    """One limit."""

    model_config = ConfigDict(extra="forbid")

    measure: str = Field(description="Name of a measure, as in a report")
    suite: str | None = Field(default=None, description="Only cases of this suite")
    slices: list[str] = Field(default=["all"], description='"all", "language=de", or with a star "language=*"')
    minimum: float | None = Field(default=None, description="The least value that passes")
    maximum: float | None = Field(default=None, description="The most, where less is better")
    largest_drop: float | None = Field(
        default=None, ge=0, description="The most it may be worse than the baseline; a larger one fails where it is no chance"
    )

    @model_validator(mode="after")
    def _says_something(self) -> Gate:
        if self.measure not in BY_NAME:
            near = difflib.get_close_matches(self.measure, BY_NAME, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(BY_NAME)}"
            raise ValueError(f"unknown measure {self.measure!r}; {hint}")
        if self.minimum is None and self.maximum is None and self.largest_drop is None:
            raise ValueError(f"the gate of {self.measure} sets no limit: give minimum, maximum or largest_drop")
        return self


class Gates(BaseModel):
    """A file of gates."""

    model_config = ConfigDict(extra="forbid")

    significance: float = Field(default=SIGNIFICANT, gt=0, lt=1, description="p value below which a drop is no chance")
    gate: list[Gate] = Field(min_length=1)


@dataclass(frozen=True)
class Judgement:
    """One gate of one slice: its outcome, with the reason in a line."""

    gate: Gate
    slice: str
    outcome: Outcome
    reason: str
    number: Number | None = None
    change: Change | None = None

    @property
    def title(self) -> str:
        """What is judged."""
        return f"{self.gate.measure} of {self.gate.suite or 'every suite'}, {self.slice}"


def read_gates(path: Path) -> Gates:
    """The gates of a TOML file; raises SettingsNotUsable naming file, line, key and the nearest valid key."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsNotUsable(f"{path} can't be read ({type(error).__name__}): give a TOML file with --gates") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsNotUsable(f"{path}: {error}") from None
    try:
        return Gates.model_validate(content)
    except ValidationError as error:
        found = error.errors()
        first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
        place = _line(text, first["loc"])
        raise SettingsNotUsable(f"{path}:{place}: {explained(first, Gates)}") from None


def _line(text: str, loc: tuple[int | str, ...]) -> int:
    """The line of a key in the n-th [[gate]]."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if line.strip().startswith("[[gate]]")]
    at = next((part for part in loc if isinstance(part, int)), None)
    start = starts[at] if at is not None and at < len(starts) else 0
    key = str(loc[-1]) if loc and isinstance(loc[-1], str) else ""
    inside = next((n for n, line in enumerate(lines[start:], start + 1) if key and line.strip().startswith(key)), start + 1)
    return inside if at is not None else line_of(text, key)


def judge(gates: Gates, run: Run, comparison: Comparison | None, seed: int = 0) -> list[Judgement]:
    """Every gate of every slice it names, in the order of the file."""
    return [found for gate in gates.gate for found in _judged(gate, gates.significance, run, comparison, seed)]


def _judged(gate: Gate, significance: float, run: Run, comparison: Comparison | None, seed: int) -> list[Judgement]:
    chosen = [result for result in run.judged if gate.suite in (None, result.suite)]
    groups = slices(chosen)
    names = [name for name in groups if any(fnmatch.fnmatchcase(name, wanted) for wanted in gate.slices)]
    if not chosen or not names:
        return [Judgement(gate, ", ".join(gate.slices), "nothing to judge", "the run has no such cases")]
    pairs = [] if comparison is None else [pair for pair in comparison.pairs if gate.suite in (None, pair[1].suite)]
    paired = {result.key: (before, result) for before, result in pairs}
    measure = BY_NAME[gate.measure]
    found = []
    for name in names:
        members = groups[name]
        number = number_of(measure, members, name, seed)
        both = [paired[result.key] for result in members if result.key in paired]
        change = comparison.change(measure, name, both) if comparison is not None and both else None
        found.append(_outcome(gate, measure, name, number, change, members, both, significance))
    return found


def _outcome(
    gate: Gate, measure: Measure, name: str, number: Number | None, change: Change | None, members: Sequence[Result],
    pairs: Sequence[tuple[Result, Result]], significance: float,
) -> Judgement:  # fmt: skip
    if number is None:
        return Judgement(gate, name, "nothing to judge", "no case says anything of it")
    said = f"{number.value:.3f} ({number.low:.3f} to {number.high:.3f}, n = {number.n})"
    if number.small:
        return Judgement(gate, name, "too small", f"{said}: under {LEAST} cases, too small to gate", number, change)
    problems = []
    if gate.minimum is not None and number.value < gate.minimum:
        problems.append(f"{said} is below the minimum of {gate.minimum:g}{_wrong(measure, members)}")
    if gate.maximum is not None and number.value > gate.maximum:
        problems.append(f"{said} is above the maximum of {gate.maximum:g}{_wrong(measure, members)}")
    worse = -change.better if change is not None else 0.0
    if gate.largest_drop is not None and change is not None and worse > gate.largest_drop and change.p < significance:
        problems.append(
            f"{change.before:.3f} became {change.after:.3f}, {worse:.3f} worse than the baseline where "
            f"{gate.largest_drop:g} is allowed, and that is no chance (p = {change.p:.3g}, n = {change.n})"
            f"{_turned(measure, pairs)}"
        )
    if problems:
        return Judgement(gate, name, "failed", "; ".join(problems), number, change)
    against = f", was {change.before:.3f} (p = {change.p:.2g})" if change is not None and gate.largest_drop is not None else ""
    return Judgement(gate, name, "passed", said + against, number, change)


def _wrong(measure: Measure, results: Sequence[Result]) -> str:
    """The first cases that the measure counts as wrong."""
    if measure.value is None:
        return ""
    bad = [
        results[at].case for at, value in measure.values(results).items() if (value > 0 if measure.lower_is_better else value < 1)
    ]
    return _named(bad)


def _turned(measure: Measure, pairs: Sequence[tuple[Result, Result]]) -> str:
    """The first cases that got worse."""
    if measure.value is None:
        bad = [after.case for before, after in pairs if before.passed and not after.passed]
    else:
        first, second = measure.values([one for one, _ in pairs]), measure.values([other for _, other in pairs])
        sign = -1 if measure.lower_is_better else 1
        bad = [pairs[at][1].case for at in second if at in first and sign * (second[at] - first[at]) < 0]
    return _named(bad)


def _named(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return f": {', '.join(cases[:NAMED])}{more}" if cases else ""
