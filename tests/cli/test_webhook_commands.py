"""`firstreply webhooks` and `firstreply dead-letters`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from service import pipeline
from service.intake.acceptance import Acceptance
from service.intake.debounce import HOLD
from service.messages import Message
from service.parts import Parts
from service.records.database import connect
from service.records.queries import Records

Run = Callable[..., CompletedProcess[str]]
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32}\n")
_ID = re.compile(r"end_[0-9a-f]{24}")


async def test_an_endpoint_is_added_tested_changed_and_removed(run: Run, data_dir: Path, settings_in: Any) -> None:
    added = run("webhooks", "add", "https://crm.example/hook", "--with-triage", data_dir=data_dir)
    assert added.returncode == 0, added.stderr
    assert _SECRET.fullmatch(added.stdout)
    endpoint_id = _ID.search(added.stderr)
    assert endpoint_id is not None
    listed = run("webhooks", "list", data_dir=data_dir).stdout
    assert all(word in listed for word in (endpoint_id[0], "https://crm.example/hook", "demo", "triage.done with the triage"))
    assert "whsec_" not in listed
    tested = run("webhooks", "test", endpoint_id[0], data_dir=data_dir)
    assert re.match(r"dlv_[0-9a-f]{24} is on its way", tested.stderr)
    changed = run("webhooks", "rotate-secret", endpoint_id[0], data_dir=data_dir)
    assert _SECRET.fullmatch(changed.stdout)
    assert changed.stdout != added.stdout
    assert "2 secrets in force" in run("webhooks", "list", data_dir=data_dir).stdout
    records = Records(connect(settings_in(data_dir).database))
    (waiting,) = await records.deliveries.log("demo")
    assert (waiting.event, waiting.status) == ("webhook.test", "waiting")
    await records.close()
    assert run("webhooks", "remove", endpoint_id[0], data_dir=data_dir).returncode == 0
    for words in (("remove", endpoint_id[0]), ("test", "end_nobody"), ("rotate-secret", "end_nobody")):
        refused = run("webhooks", *words, data_dir=data_dir)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "webhooks list" in refused.stderr


def test_an_endpoint_that_could_not_be_told_is_refused(run: Run, data_dir: Path) -> None:
    for words, hint in (
        (("http://crm.example/hook",), "FIRSTREPLY_WEBHOOK_HOSTS"), (("https://a:b@crm.example/",), "https://host/path"),
        (("https://crm.example/", "--event", "order.paid"), "triage.done"),
        (("https://crm.example/", "--brand", "nobody"), "demo"),
    ):  # fmt: skip
        refused = run("webhooks", "add", *words, data_dir=data_dir)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert hint in refused.stderr
    own = run("webhooks", "add", "http://crm.lan/hook", data_dir=data_dir, WEBHOOK_HOSTS='["crm.lan"]')
    assert own.returncode == 0


async def test_a_dead_letter_is_listed_and_replayed(run: Run, data_dir: Path, settings_in: Any, parts: Parts) -> None:
    message = Message(text="Wo ist mein Paket?")
    records = Records(connect(settings_in(data_dir).database))
    (receipt,) = (await Acceptance(records.inbox, debounce=False).accept([message], "api")).receipts
    (kept,) = await records.inbox.take_due(datetime.now(UTC), HOLD, 1)
    triage = (await pipeline.triage(message, parts)).model_copy(update={"id": "tri_dead"})
    await records.inbox.finish(kept, (message, triage), "dead", "RuntimeError in plan.py line 1")
    listed = run("dead-letters", "list", data_dir=data_dir).stdout
    assert all(word in listed for word in (receipt.id, "demo", "tri_dead", "RuntimeError in plan.py line 1"))
    assert run("dead-letters", "list", "--brand", "other", data_dir=data_dir).stdout == ""
    assert run("dead-letters", "replay", receipt.id, data_dir=data_dir).returncode == 0
    again = await records.inbox.one(receipt.id)
    assert again is not None
    assert again.state == "accepted"
    refused = run("dead-letters", "replay", receipt.id, data_dir=data_dir)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert receipt.id in refused.stderr
    await records.close()
