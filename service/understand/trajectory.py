"""How the customer's mood moves over a conversation, and what earlier turns say that still counts."""

from __future__ import annotations

from collections.abc import Sequence

from service.messages import Level, Signal, Trajectory

COMPLAINS = 0.5  # frustration score from which an earlier turn is a complaint
COMPLAINTS = 2  # earlier ones that make this the third
EVIDENCE = 160  # characters of an earlier turn that are shown
MOVE = 0.2  # change of the frustration score that counts as a move; half a level


def trajectory(earlier: list[float], now: float, level: Level, *, resolved: bool) -> Trajectory:
    """The trajectory from the frustration scores of earlier customer turns, oldest first, to the one of now."""
    if resolved and level in ("none", "mild"):
        return "resolved"
    if not earlier:
        return "steady"
    move = now - earlier[-1]
    if move > MOVE or (level == "strong" and now >= max(earlier)):
        return "rising"
    return "falling" if move < -MOVE else "steady"


def of_thread(texts: Sequence[str], heard: Sequence[Sequence[Signal]], scores: Sequence[float]) -> tuple[Signal, ...]:
    """Signals of earlier customer turns, oldest first, with what rules found in each and their frustration scores.

    `repeat_in_thread`: one says that it is a repeated contact. `complained_before`: two of them complain. They have no offsets.
    """
    said = [signal for signals in heard for signal in signals if signal.code == "repeat_contact"]
    complaints = [text for text, score in zip(texts, scores, strict=True) if score >= COMPLAINS]
    found = [Signal(code="repeat_in_thread", evidence=said[-1].evidence)] if said else []
    if len(complaints) >= COMPLAINTS:
        found.append(Signal(code="complained_before", evidence=complaints[-1][:EVIDENCE]))
    return tuple(found)
