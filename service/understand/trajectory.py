"""How the customer's mood moves over a conversation."""

from __future__ import annotations

from service.messages import Level, Trajectory

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
