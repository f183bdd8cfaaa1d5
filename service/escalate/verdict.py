"""The decision: pure, the same for the same inputs, made before a draft exists and able only to grow after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from service.escalate.deadlines import respond_by
from service.escalate.policy import Policy
from service.escalate.reasons import reasons_of
from service.messages import URGENCIES, Channel, Check, Context, Draft, Escalation, Message, Reason, Understanding, Urgency


def decide(message: Message, understanding: Understanding, context: Context, policy: Policy, topic_queue: str) -> Verdict:
    """Whether a human must take over; `topic_queue` is where the message goes when no reason says otherwise."""
    return Verdict(
        policy=policy,
        reasons=tuple(reasons_of(message, understanding, context, policy)),
        topic_queue=topic_queue,
        received_at=message.received_at,
        channel=message.channel,
        private=not message.public,
    )


@dataclass(frozen=True)
class Verdict:
    """The decision before a draft exists."""

    policy: Policy
    reasons: tuple[Reason, ...]
    topic_queue: str
    received_at: datetime
    channel: Channel
    private: bool

    @property
    def escalation(self) -> Escalation:
        """The verdict as it is answered."""
        reasons = list(self.reasons)
        score = self.policy.score(reasons)
        escalate = any(r.kind == "hard" for r in reasons) or score >= self.policy.threshold
        ranks = [URGENCIES.index(self.policy.priorities.get(r.code, "normal")) for r in reasons] or [1]
        priority: Urgency = URGENCIES[max(ranks)] if escalate else "normal"
        queue = next((self.policy.queues[r.code] for r in reasons if r.code in self.policy.queues), self.topic_queue)
        return Escalation(
            escalate=escalate,
            score=score,
            reasons=self.reasons,
            queue=queue if escalate else self.topic_queue,
            priority=priority,
            respond_by=respond_by(
                self.policy, self.received_at, self.channel, private=self.private, priority=priority if escalate else None
            ),
        )

    def after(self, draft: Draft | None) -> Escalation:
        """The escalation once the draft was checked: a failed check adds a reason, none is ever removed."""
        failed: list[Check] = [check for check in draft.checks if not check.passed] if draft else []
        if not failed:
            return self.escalation
        detail = "; ".join(f"{check.check}: {check.detail}" if check.detail else check.check for check in failed)
        added = Reason(code="draft_check_failed", kind="soft", detail=detail)
        return replace(self, reasons=(*self.reasons, added)).escalation
