"""A policy file is refused by file, line and allowed values; a running service takes over good ones only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from service.brand_check import check_brand
from service.brands import Brand, read_brand
from service.errors import KnowledgeNotUsable
from service.files import shipped
from service.policies import PolicyFiles

DEFAULT = shipped("knowledge/_default/escalation.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "moss"
    made.mkdir()
    (made / "brand.yaml").write_text(
        "display_name: Moss\nlanguages: [en]\ndefault_language: en\ntimezone: Europe/Paris\n", encoding="utf-8"
    )
    (made / "escalation.yaml").write_text(DEFAULT, encoding="utf-8")
    return made


def write(folder: Path, text: str, file: str = "escalation.yaml") -> None:
    """Writes as an editor does, by a new file in the old one's place, with a time that is surely another."""
    new = folder / f".{file}.new"
    new.write_text(text, encoding="utf-8")
    os.utime(new, ns=(0, new.stat().st_mtime_ns + 1))
    new.replace(folder / file)


def line_of(text: str, word: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if word in line)


class TestRefused:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("repeat_window_days: 14", "repeat_window_days: 0", "repeat_window_days: Input should be greater than or equal to 1"),
            ("threshold: 0.5", "threshold: 0", "threshold: Input should be greater than 0"),
            ("  churn_risk: 0.35", "  churn_riks: 0.35", "weights.churn_riks: Input should be 'explicit_human_request', "),
            ("  churn_risk: 0.35", "  churn_risk: 1.5", "weights.churn_risk: Input should be less than or equal to 1"),
            ("  self_harm: critical", "  self_harm: urgent", "priorities.self_harm: Input should be 'low', 'normal', "),
            ("private: 60, x: 60", "private: 60, myspace: 5", "targets_minutes.myspace: Input should be 'x', 'instagram', "),
            ('tue: "9:00-18:00"', 'tue: "9:00-13:00, 12:00-18:00"', "opening_hours.tue: 9:00-13:00 and 12:00-18:00 overlap"),
            ('tue: "9:00-18:00"', 'tue: "18:00-9:00"', "opening_hours.tue: '18:00-9:00' ends before it begins"),
            ("vip_priority: high", "vip_priorty: high", "unknown key 'vip_priorty'; did you mean 'vip_priority'?"),
        ],
    )  # fmt: skip
    def test_names_file_line_and_allowed_values(self, folder: Path, old: str, new: str, said: str) -> None:
        assert old in DEFAULT
        write(folder, DEFAULT.replace(old, new))
        at = f"{folder / 'escalation.yaml'}:{line_of(DEFAULT, old)}: "
        with pytest.raises(KnowledgeNotUsable) as refused:
            read_brand("moss", folder)
        assert refused.value.detail.startswith(at + said)
        assert check_brand("moss", folder) == [refused.value.detail]

    def test_a_misspelt_reason_names_the_nearest(self, folder: Path) -> None:
        write(folder, DEFAULT.replace("  churn_risk: 0.35", "  churn_riks: 0.35"))
        with pytest.raises(KnowledgeNotUsable, match=r"did you mean 'churn_risk'\?$"):
            read_brand("moss", folder)

    def test_an_unknown_queue_is_named_at_its_line_with_the_nearest(self, folder: Path) -> None:
        names = "queue_names: [general, delivery, aftercare, payments, legal, privacy, security, safety, care_lead]\n"
        write(folder, names + DEFAULT.replace("  data_privacy_request: privacy", "  data_privacy_request: privcy"))
        with pytest.raises(KnowledgeNotUsable) as refused:
            read_brand("moss", folder)
        at = line_of(DEFAULT, "data_privacy_request: privacy") + 1
        assert refused.value.detail == (
            f"{folder / 'escalation.yaml'}:{at}: queues.data_privacy_request: unknown queue 'privcy'; did you mean 'privacy'?"
        )

    def test_so_is_one_of_topics_yaml(self, folder: Path) -> None:
        write(folder, "queue_names: [general, payments, legal, privacy, security, safety, care_lead, parcels]\n" + DEFAULT)
        write(
            folder,
            "topics:\n  - {id: other, label: Other, queue: general}\n  - {id: delivery, label: D, queue: parcel}\n",
            "topics.yaml",
        )
        with pytest.raises(KnowledgeNotUsable) as refused:
            read_brand("moss", folder)
        assert refused.value.detail.startswith(f"{folder / 'topics.yaml'}:3: unknown queue 'parcel'; did you mean 'parcels'?")

    def test_a_route_for_a_topic_that_is_not_there(self, folder: Path) -> None:
        write(folder, DEFAULT + "routing:\n  - {topic: [delivery, refunds], queue: money}\n")
        with pytest.raises(KnowledgeNotUsable, match=r"routing\.0\.topic: unknown topic 'refunds'; did you mean 'refund'\?"):
            read_brand("moss", folder)

    def test_without_a_list_every_queue_is_allowed(self, folder: Path) -> None:
        write(folder, DEFAULT.replace("legal_threat: legal", "legal_threat: our_lawyers"))
        assert read_brand("moss", folder).policy.queues["legal_threat"] == "our_lawyers"

    def test_hours_are_in_the_brands_time_zone_unless_the_file_names_one(self, folder: Path) -> None:
        assert read_brand("moss", folder).policy.timezone == "Europe/Paris"
        write(folder, DEFAULT + "timezone: Asia/Tokyo\n")
        assert read_brand("moss", folder).policy.timezone == "Asia/Tokyo"


class TestFollowed:
    @pytest.fixture
    def brands(self, folder: Path) -> dict[str, Brand]:
        return {"moss": read_brand("moss", folder), "imported": read_brand("imported", None)}

    def test_a_change_is_in_force_at_the_next_look(self, folder: Path, brands: dict[str, Brand]) -> None:
        files, before = PolicyFiles(), brands["moss"]
        files.follow(brands)
        assert brands["moss"] is before
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: 0.7"))
        files.follow(brands)
        assert brands["moss"].policy.threshold == 0.7
        assert brands["moss"].policy.timezone == "Europe/Paris"
        assert brands["moss"].policy_version != before.policy_version
        assert brands["moss"].policy_version == read_brand("moss", folder).policy_version
        assert files.problems == {}

    def test_a_change_between_the_start_and_the_first_look_is_seen(self, folder: Path, brands: dict[str, Brand]) -> None:
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: 0.6"))
        PolicyFiles().follow(brands)
        assert brands["moss"].policy.threshold == 0.6

    def test_an_invalid_one_leaves_the_last_good_one_and_is_told_once(
        self, folder: Path, brands: dict[str, Brand], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[dict[str, Any]] = []
        monkeypatch.setattr("service.policies.log.warning", lambda event, **said: told.append({"event": event} | said))
        files = PolicyFiles()
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: 0.7"))
        files.follow(brands)
        good = brands["moss"]
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: high"))
        for _ in range(3):
            files.follow(brands)
        assert brands["moss"] is good
        line = line_of(DEFAULT, "threshold: 0.5")
        assert files.problems["moss"].startswith(f"moss/escalation.yaml:{line}: threshold: ")
        assert told == [{"event": "policy_not_taken", "brand": "moss", "reason": files.problems["moss"]}]
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: 0.7"))
        files.follow(brands)
        assert (files.problems, brands["moss"].policy.threshold) == ({}, 0.7)

    def test_a_file_that_is_gone_leaves_the_default_and_one_that_comes_is_taken(
        self, folder: Path, brands: dict[str, Brand]
    ) -> None:
        files = PolicyFiles()
        write(folder, DEFAULT.replace("threshold: 0.5", "threshold: 0.7"))
        files.follow(brands)
        kept = shutil.move(folder / "escalation.yaml", folder / "aside.yaml")
        files.follow(brands)
        assert brands["moss"].policy.threshold == 0.5
        shutil.move(kept, folder / "escalation.yaml")
        files.follow(brands)
        assert brands["moss"].policy.threshold == 0.7

    def test_a_queue_that_topics_yaml_lacks_is_no_better_while_running(self, folder: Path, brands: dict[str, Brand]) -> None:
        files = PolicyFiles()
        write(folder, "queue_names: [general, payments, legal, privacy, security, safety, care_lead]\n" + DEFAULT)
        files.follow(brands)
        assert "unknown queue 'delivery'" in files.problems["moss"]
        assert brands["moss"].policy.queue_names == ()
