"""Triages of this installation that were given feedback, as cases of a suite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from evals.cases import Case
from evals.importing import case_of_triage
from service.feedback_export import corrections
from service.messages import Triage
from service.parts import Parts
from service.retrieve.customers import known_of


async def cases(parts: Parts, brand: str, since: datetime | None) -> tuple[list[Case], int]:
    """A case of each triage that was given feedback since then, what was corrected as it should be; and how many had no words."""
    found = []
    ours = list(parts.brands[brand].identity.support_handles.values())
    ids = await parts.records.feedback.triages(brand, since)
    for triage_id in ids:
        recorded = await parts.records.recorded(triage_id)
        if recorded is None or not recorded[0].content.strip():
            continue
        message, triage = recorded
        given = await parts.records.feedback.of(triage_id)
        known = await known_of(message, parts.sources.known)
        found.append(case_of_triage(triage, message, known.customer, given, ours, right_of(triage, corrections(given))))
    return found, len(ids) - len(found)


def right_of(triage: Triage, said: dict[str, Any]) -> dict[str, Any]:
    """What a case expects instead of what was found: the corrections, and what they leave no room for."""
    right = dict(said)
    if "label" in said and "level" not in said:
        frustrated = said["label"] == "frustration"
        if frustrated != (triage.understanding.frustration_level != "none"):
            right["level"] = ["mild", "moderate", "strong"] if frustrated else ["none"]
    if said.get("escalate") is False:
        right["reasons"] = []
    return right
