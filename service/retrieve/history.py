"""Earlier contacts of this customer. The one place that decides who may see them: the customer's own id."""

from __future__ import annotations

from service.messages import Known, PastTriage

MOST = 5  # earlier contacts of a context


def own_history(known: Known) -> tuple[PastTriage, ...]:
    """Earlier triages of this customer, newest first."""
    if known.customer is None:
        return ()
    return tuple(past for past in known.history if past.customer_id == known.customer.customer_id)[:MOST]
