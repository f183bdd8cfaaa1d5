"""Gates: what a release must hold, by measure and slice, against fixed limits and against a baseline."""

from __future__ import annotations

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from evals.compare import Change, Comparison
from evals.measures import BY_NAME, LEAST, Measure, Number, number_of, slices
from evals.results import Result, Run
from service.errors import SettingsNotUsable
from service.yaml_files import explained

SIGNIFICANT = 0.05  # p value below which a difference is no chance
NAMED = 5  # cases that a reason names
ROUNDING = 1e-9  # by which a number that is exactly at its limit may seem beyond it
Outcome = Literal["passed", "failed", "too small", "nothing to judge"]


class Gate(BaseModel):
    """One limit."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    measure: str = Field(description="Name of a measure, as in a report")
    suite: str | None = Field(default=None, description="Only cases of this suite")
    slices: list[str] = Field(default=["all"], min_length=1, description='"all", "language=de", or with a star "language=*"')
    minimum: float | None = Field(default=None, description="The least value that passes")
    maximum: float | None = Field(default=None, description="The most, where less is better")
    largest_drop: float | None = Field(
        default=None, ge=0, description="The most it may be worse than the baseline; a larger one fails where it is no chance"
    )

    @field_validator("measure")
    @classmethod
    def _known(cls, measure: str) -> str:
        if measure not in BY_NAME:
            near = difflib.get_close_matches(measure, BY_NAME, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(BY_NAME)}"
            raise PydanticCustomError("measure", "unknown measure '{measure}'; {hint}", {"measure": measure, "hint": hint})
        return measure

    @model_validator(mode="after")
    def _says_something(self) -> Gate:
        if self.minimum is None and self.maximum is None and self.largest_drop is None:
            said = "the gate of {measure} sets no limit: give minimum, maximum or largest_drop"
            raise PydanticCustomError("gate", said, {"measure": self.measure})
        if self.minimum is not None and BY_NAME[self.measure].lower_is_better:
            said = "of {measure} less is better, so that a minimum holds nothing back: give maximum"
            raise PydanticCustomError("gate", said, {"measure": self.measure})
        return self

    @property
    def limits(self) -> list[str]:
        """What it asks for, in words."""
        given = (("at least", self.minimum), ("at most", self.maximum), ("drop at most", self.largest_drop))
        return [f"{words} {value:g}" for words, value in given if value is not None]


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
        text = path.read_text(encoding="utf-8-sig")
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
    """The line of a key in the n-th [[gate]], or where that starts; outside of gates that of a key of the file."""
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines) if re.match(r"\s*\[\[\s*gate\s*\]\]", line)]
    nth = next((part for part in loc if isinstance(part, int)), None)
    if nth is None or nth >= len(starts):
        first, end = 0, len(lines)
    else:
        first, end = starts[nth], [*starts, len(lines)][nth + 1]
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    named = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
    return next((at for at in range(first, end) if named.match(lines[at])), first) + 1


def judge(gates: Gates, run: Run, comparison: Comparison | None, seed: int = 0) -> list[Judgement]:
    """Every gate of every slice it names, in the order of the file."""
    return [found for gate in gates.gate for found in _judged(gate, gates.significance, run, comparison, seed)]


def _judged(gate: Gate, significance: float, run: Run, comparison: Comparison | None, seed: int) -> list[Judgement]:
    chosen = [result for result in run.judged if gate.suite in (None, result.suite)]
    groups = slices(chosen)
    names = _fitting(gate, groups)
    if not names and len(suites := {result.suite for result in chosen}) == 1:  # all is that suite: no slice of its own
        groups = {f"suite={suites.pop()}": chosen}
        names = _fitting(gate, groups)
    if not chosen or not names:
        hint = _hint([gate.suite] if gate.suite and not chosen else gate.slices, run)
        return [Judgement(gate, ", ".join(gate.slices), "nothing to judge", f"the run has no such cases{hint}")]
    pairs = [] if comparison is None else [pair for pair in comparison.pairs if gate.suite in (None, pair[1].suite)]
    paired = {result.key: (before, result) for before, result in pairs}
    measure = BY_NAME[gate.measure]
    found = []
    for name in names:
        members = groups[name]
        number = number_of(measure, members, name, seed)
        both = [paired[result.key] for result in members if result.key in paired]
        change = comparison.change(measure, name, both) if comparison is not None and both else None
        found.append(_outcome(gate, name, number, change, members, both, comparison, significance))
    return found


def _fitting(gate: Gate, names: Iterable[str]) -> list[str]:
    return [name for name in names if any(fnmatch.fnmatchcase(name, wanted) for wanted in gate.slices)]


def _hint(wanted: Sequence[str], run: Run) -> str:
    """The suite or slice of the run that is nearest to one that it does not have."""
    known = [*slices(run.judged), *{result.suite for result in run.judged}]
    near = [name for one in wanted for name in difflib.get_close_matches(one, known, n=1, cutoff=0.75) if name != one]
    return f"; did you mean {near[0]!r}?" if near else ""


def _outcome(
    gate: Gate, name: str, number: Number | None, change: Change | None, members: Sequence[Result],
    pairs: Sequence[tuple[Result, Result]], comparison: Comparison | None, significance: float,
) -> Judgement:  # fmt: skip
    measure = BY_NAME[gate.measure]
    if number is None:
        return Judgement(gate, name, "nothing to judge", "no case says anything of it")
    said = f"{number.value:.3f} ({number.low:.3f} to {number.high:.3f}, n = {number.n})"
    if number.small:
        return Judgement(gate, name, "too small", f"{said}: under {LEAST} cases, too small to gate", number, change)
    problems = []
    if gate.minimum is not None and number.value < gate.minimum - ROUNDING:
        problems.append(f"{said} is below the minimum of {gate.minimum:g}{_wrong(measure, members)}")
    if gate.maximum is not None and number.value > gate.maximum + ROUNDING:
        problems.append(f"{said} is above the maximum of {gate.maximum:g}{_wrong(measure, members)}")
    against, compared = "", True
    if gate.largest_drop is not None:
        compared = change is not None and not change.small
        if change is None:
            against = f", not compared: {'no baseline' if comparison is None else 'the baseline says nothing of these cases'}"
        elif change.small:
            against = f", not compared: the baseline has {change.n} of these cases, under {LEAST}"
        else:
            against = f", was {change.before:.3f} (p = {change.p:.2g})"
            if -change.better > gate.largest_drop + ROUNDING and change.p < significance:
                problems.append(_drop(gate, change, pairs))
    if problems:
        return Judgement(gate, name, "failed", "; ".join(problems), number, change)
    outcome: Outcome = "passed"
    if not compared and gate.minimum is None and gate.maximum is None:
        outcome = "nothing to judge" if change is None else "too small"
    return Judgement(gate, name, outcome, said + against, number, change)


def _drop(gate: Gate, change: Change, pairs: Sequence[tuple[Result, Result]]) -> str:
    return (
        f"{change.before:.3f} became {change.after:.3f}, {-change.better:.3f} worse than the baseline where "
        f"{gate.largest_drop:g} is allowed, and that is no chance (p = {change.p:.3g}, n = {change.n})"
        f"{_turned(change.measure, pairs)}"
    )


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
    cases = list(dict.fromkeys(cases))  # a case that was repeated is named once
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return f": {', '.join(cases[:NAMED])}{more}" if cases else ""
