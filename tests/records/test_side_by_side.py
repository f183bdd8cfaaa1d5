"""SQL is the truth and every index follows it: two servers and two imports at once on one data directory."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

FOLLOWED_WITHIN = 2.0  # seconds
IMPORTS = 2
FAQS = 20  # of each import
TRIAGES = 200


def faqs(path: Path, word: str) -> Path:
    """A file of FAQs about things that nobody else asks about."""
    lines = [
        {
            "id": f"{word}-{n}",
            "language": "en",
            "question": f"Where is {word} number {n} kept?",
            "answer": f"{word} {n}: on shelf {n}.",
        }
        for n in range(FAQS)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


async def found(client: httpx.AsyncClient, url: str, text: str) -> list[str]:
    response = await client.post(f"{url}/v1/triage", json={"text": text})
    assert response.status_code == 200, response.text
    return [passage["id"] for passage in response.json()["context"]["passages"]]


async def test_servers_and_imports_work_side_by_side(
    start_server: Any, environment: Callable[..., dict[str, str]], command: list[str], data_dir: Path, tmp_path: Path
) -> None:
    words = ("bagpipe", "marimba")
    asked = {word: f"Where is {word} number 7 kept?" for word in words}
    with start_server(data_dir) as one, start_server(data_dir) as two:
        urls = (one.url, two.url)
        assert one.url != two.url
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=40)) as client:
            for url in urls:
                for word in words:
                    assert not [faq for faq in await found(client, url, asked[word]) if faq.startswith(words)]

            imports = [
                subprocess.Popen(
                    [*command, "knowledge", "import", str(faqs(tmp_path / f"{word}.jsonl", word))],
                    env=environment(data_dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )
                for word in words
            ]  # fmt: skip

            async def one_triage(number: int) -> tuple[str, bytes]:
                response = await client.post(
                    f"{urls[number % 2]}/v1/triage", json={"text": f"Wo bleibt mein Paket Nummer {number}?", "id": f"m-{number}"}
                )
                assert response.status_code == 200, response.text
                return response.json()["id"], response.content

            triages = await asyncio.gather(*(one_triage(number) for number in range(TRIAGES)))
            for process in imports:
                _, said = await asyncio.to_thread(process.communicate, timeout=120)
                assert process.returncode == 0, said
                assert f"{FAQS} added, 0 changed, 0 unchanged, 0 refused" in said

            until = time.monotonic() + FOLLOWED_WITHIN
            missing = {(url, word) for url in urls for word in words}
            while missing and time.monotonic() < until:
                missing = {(url, word) for url, word in missing if f"{word}-7" not in await found(client, url, asked[word])}
            assert not missing, f"not found {FOLLOWED_WITHIN} s after the imports"

            assert len({triage_id for triage_id, _ in triages}) == TRIAGES
            for number, (triage_id, content) in enumerate(triages):
                stored = await client.get(f"{urls[(number + 1) % 2]}/v1/triages/{triage_id}")
                assert stored.content == content, "the other server reads what this one answered"

            changed = tmp_path / "changed.jsonl"
            answer = {"id": "bagpipe-7", "language": "en", "question": asked["bagpipe"], "answer": "In the attic now."}
            changed.write_text(json.dumps(answer), encoding="utf-8")
            again = await asyncio.to_thread(
                subprocess.run, [*command, "knowledge", "import", str(changed)], env=environment(data_dir), capture_output=True,
                text=True, timeout=120, check=False,
            )  # fmt: skip
            assert "0 added, 1 changed" in again.stderr
            await asyncio.sleep(FOLLOWED_WITHIN)
            for url in urls:
                shown = (await client.post(f"{url}/v1/triage", json={"text": asked["bagpipe"]})).json()["context"]["passages"]
                assert [passage["text"] for passage in shown if passage["id"] == "bagpipe-7"] == ["In the attic now."]
