"""Self-harm, violence and medical emergencies, from the words to the draft: critical, no business in it, in six languages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

DANGER = {
    "en": ("Your driver punched my husband", "My gran collapsed and is unconscious", "I want to kill myself"),
    "de": ("Euer Fahrer hat meinen Mann geschlagen", "Meine Oma ist bewusstlos zusammengebrochen", "Ich will mich umbringen"),
    "nl": ("Jullie bezorger heeft mijn man geslagen", "Mijn oma is bewusteloos", "Ik maak er een eind aan, ik wil niet meer"),
    "sv": ("Er chaufför slog min man", "Min mormor föll ihop i er butik och är medvetslös", "Jag vill ta livet av mig"),
    "fr": ("Votre livreur a frappé mon mari", "Ma grand-mère s'est évanouie dans votre boutique", "Je veux me suicider"),
    "es": ("Vuestro repartidor golpeó a mi marido", "Mi abuela se desmayó en vuestra tienda", "Quiero suicidarme"),
}  # fmt: skip
# The same words about a game, a price or a door.
HARMLESS = {
    "en": "That boss in the game punched me so hard I nearly had a heart attack, love the game",
    "de": "Bei dem Preis hätte ich fast einen Herzinfarkt bekommen",
    "nl": "Ik kreeg bijna een hartaanval van de prijs",
    "sv": "Jag fick nästan en hjärtattack av priset",
    "fr": "Le livreur a frappé à la porte mais je n'étais pas là",
    "es": "El repartidor pegó un aviso en la puerta",
}


async def triaged(client: httpx.AsyncClient, text: str, language: str) -> dict[str, Any]:
    response = await client.post("/v1/triage", json={"text": text, "language": language, "channel": "whatsapp"})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("language", DANGER)
@pytest.mark.parametrize("matter", [0, 1, 2], ids=["violence", "medical", "self-harm"])
async def test_is_critical_and_answered_with_care_alone(client: httpx.AsyncClient, language: str, matter: int) -> None:
    answer = await triaged(client, DANGER[language][matter], language)
    verdict, draft = answer["escalation"], answer["draft"]
    code = "self_harm" if matter == 2 else "safety_risk"
    assert (verdict["escalate"], verdict["priority"], verdict["queue"]) == (True, "critical", "safety")
    assert code in [reason["code"] for reason in verdict["reasons"]]
    assert all(reason["evidence"] or reason["detail"] for reason in verdict["reasons"])
    assert (draft["action"], draft["language"], draft["citations"], draft["macro"]) == ("handoff", language, [], None)
    assert "112" in draft["private"]["text"]
    assert all(check["passed"] for check in draft["checks"])


@pytest.mark.parametrize("language", HARMLESS)
async def test_the_same_words_about_a_game_a_price_or_a_door_are_none(client: httpx.AsyncClient, language: str) -> None:
    found = (await triaged(client, HARMLESS[language], language))["understanding"]["signals"]
    assert [signal["code"] for signal in found if signal["code"] == "emergency"] == []
