"""Replies are listed, approved and taken back by command, and a triage shows them in a line."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from service.messages import Feedback
from service.records.database import connect
from service.records.queries import Records

Run = Callable[..., CompletedProcess[str]]
REPLY = "Hallo Priya, in Göteborg haben wir leider keinen Laden. Grüße, Tom"
MASKED = "Hallo [name], in Göteborg haben wir leider keinen Laden. Grüße, [name]"


def sent(data_dir: Path, triage_id: str) -> None:
    async def keep() -> None:
        records = Records(connect(f"sqlite+aiosqlite:///{data_dir / 'firstreply.db'}"))
        await records.feedback.put(triage_id, Feedback(action="edited", text=REPLY, agent="Tom"))
        await records.close()

    asyncio.run(keep())


def test_a_reply_is_listed_approved_shown_and_taken_back(run: Run, data_dir: Path) -> None:
    asked = ("--customer", "C-1043", "--channel", "whatsapp", "--json")
    made = run("triage", "Habt ihr in Göteborg einen Laden?", *asked, data_dir=data_dir)
    triage_id = json.loads(made.stdout)["id"]
    early = run("precedents", "approve", triage_id, data_dir=data_dir)
    assert (early.returncode, "no reply to approve" in early.stderr) == (2, True)

    sent(data_dir, triage_id)
    waiting = run("precedents", "list", "--waiting", data_dir=data_dir).stdout
    assert triage_id in waiting
    assert MASKED in waiting
    approved = run("precedents", "approve", triage_id, data_dir=data_dir)
    assert (approved.returncode, approved.stdout) == (0, f"{MASKED}\n")
    assert f"precedents remove {triage_id}" in approved.stderr
    assert triage_id not in run("precedents", "list", "--waiting", data_dir=data_dir).stdout
    assert MASKED in run("precedents", "list", data_dir=data_dir).stdout

    shown = run("triage", "Gibt es in Göteborg einen Laden?", data_dir=data_dir).stdout
    assert re.search(r"^precedent\s+0\.\d\d  Hallo \[name\], in Göteborg haben .*\(de\)\s*$", shown, re.MULTILINE), shown

    gone = run("precedents", "remove", triage_id, data_dir=data_dir)
    assert (gone.returncode, "1 removed" in gone.stderr) == (0, True)
    assert run("precedents", "remove", triage_id, data_dir=data_dir).returncode == 2
    unknown = run("precedents", "approve", "tri_none", data_dir=data_dir)
    assert (unknown.returncode, "no triage tri_none is recorded here" in unknown.stderr) == (2, True)
