"""Checks on every draft, whoever wrote it. A failed one adds `draft_check_failed` to the escalation; none can be turned off."""

from service.draft.checks.made import Made
from service.draft.checks.verdict import NAMES, check, problems_of_sentence

__all__ = ["NAMES", "Made", "check", "problems_of_sentence"]
