"""What another policy would have made of messages that were triaged: pure, from the recorded understanding and reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from service.escalate.facts import OF_POLICY, reasons_by_policy, weighed
from service.escalate.policy import Policy
from service.escalate.reasons import ordered
from service.escalate.verdict import Verdict
from service.messages import Escalation, Message, Triage


def replayed(message: Message, triage: Triage, policy: Policy, topic_queue: str) -> Escalation:
    """The escalation under a policy.

    What words and checks of the draft gave stays as it was recorded; what rests on the policy's own figures (followers,
    repeated contacts, money at stake, confidence) and the weights of facts are reckoned anew.
    """
    understanding = triage.understanding
    kept = [r for r in triage.escalation.reasons if r.code not in OF_POLICY or understanding.signal(r.code) is not None]
    known = frozenset(reason.code for reason in kept)
    reasons = [*kept, *reasons_by_policy(message, understanding, triage.context, policy, known)]
    return Verdict(
        policy=policy,
        reasons=tuple(ordered(reasons, understanding)),
        topic_queue=topic_queue,
        received_at=message.received_at,
        channel=message.channel,
        private=not message.public,
        topic=understanding.topic.label,
        language=understanding.language.code,
        facts=weighed(triage.escalation.facts, understanding, policy),
    ).escalation


@dataclass(frozen=True)
class Turned:
    """A message that escalates under one of two policies only, with the reasons it has under the newer."""

    triage_id: str
    reasons: tuple[str, ...]


@dataclass
class Difference:
    """What a change of the policy does to messages: counts by now and then."""

    messages: int = 0
    escalated: tuple[int, int] = (0, 0)
    reasons: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    queues: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    turned_on: list[Turned] = field(default_factory=list)
    turned_off: list[Turned] = field(default_factory=list)
    requeued: int = 0
    earlier: list[timedelta] = field(default_factory=list)
    later: list[timedelta] = field(default_factory=list)

    def add(self, triage_id: str, now: Escalation, then: Escalation) -> None:
        """Counts one message."""
        self.messages += 1
        self.escalated = (self.escalated[0] + now.escalate, self.escalated[1] + then.escalate)
        for side, one in enumerate((now, then)):
            if one.escalate:
                self.reasons[side].update({reason.code for reason in one.reasons})
                self.queues[side][one.queue] += 1
        if now.escalate != then.escalate:
            turned = Turned(triage_id, tuple(reason.code for reason in then.reasons))
            (self.turned_on if then.escalate else self.turned_off).append(turned)
        self.requeued += now.queue != then.queue
        moved = then.respond_by - now.respond_by
        if moved:
            (self.later if moved > timedelta() else self.earlier).append(abs(moved))
