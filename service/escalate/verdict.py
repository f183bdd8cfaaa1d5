"""The decision: pure, the same for the same inputs, made before a draft exists and able only to grow after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from service.escalate.deadlines import deadline
from service.escalate.facts import facts_of
from service.escalate.policy import Policy
from service.escalate.reasons import reasons_of
from service.messages import Channel, Check, Context, Draft, Escalation, Fact, Message, Reason, Understanding


def decide(message: Message, understanding: Understanding, context: Context, policy: Policy, topic_queue: str) -> Verdict:
    """Whether a human must take over; `topic_queue` is where the message goes when no reason says otherwise."""
    return Verdict(
        policy=policy,
        reasons=tuple(reasons_of(message, understanding, context, policy)),
        topic_queue=topic_queue,
        received_at=message.received_at,
        channel=message.channel,
        private=not message.public,
        topic=understanding.topic.label,
        language=understanding.language.code,
        facts=facts_of(understanding, context, policy),
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
    topic: str = ""
    language: str = ""
    facts: tuple[Fact, ...] = ()

    @property
    def escalation(self) -> Escalation:
        """The verdict as it is answered."""
        score = self.policy.score(self.reasons, self.facts)
        escalate = any(r.kind == "hard" for r in self.reasons) or score >= self.policy.threshold
        priority = self.policy.priority_of(self.reasons, self.facts) if escalate else None
        due = deadline(self.policy, self.received_at, self.channel, private=self.private, priority=priority)
        return Escalation(
            escalate=escalate,
            score=score,
            reasons=self.reasons,
            facts=self.facts,
            queue=self.policy.queue_of(self.topic_queue, self.topic, self.language, self.reasons if escalate else ()),
            priority=priority or "normal",
            respond_by=due.respond_by,
            warn_at=due.warn_at,
        )

    def after(self, draft: Draft | None) -> Escalation:
        """The escalation once the draft was checked: a failed check adds a reason, none is ever removed."""
        failed: list[Check] = [check for check in draft.checks if not check.passed] if draft else []
        if not failed:
            return self.escalation
        detail = "; ".join(f"{check.check}: {check.detail}" if check.detail else check.check for check in failed)
        added = Reason(code="draft_check_failed", kind="soft", detail=detail)
        return replace(self, reasons=(*self.reasons, added)).escalation
