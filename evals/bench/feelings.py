"""`python -m evals.bench.feelings DATA OUT`: third-party sets that may be trained on, for `firstreply train --feelings`.

Customer feedback (cfa), tweets (umsab, swe_emoji) and film lines (xed); a set can be left out, when it is to be measured on.
Licences and weights are in docs/model-card.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

TWEETS = ("umsab_en", "umsab_de", "umsab_fr", "umsab_es", "swe_emoji_sentiment_sv")
FILMS = ("xed_sv", "xed_nl")
# Beside an example of ours: at 1 tweets and reviews gain 0.02 more, and our suites, full of praise in dark words, lose 0.03.
WEIGHT = 0.7
FILM_WEIGHT = 0.2  # projected labels, noisy
NAMES = ("cfa_en_fr_es", *TWEETS, *FILMS)


def lines(folder: Path, leave: str | None = None) -> Iterator[dict[str, object]]:
    """The lines of every set but the one left out."""
    for name in NAMES:
        if name == leave:
            continue
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            record = json.loads(line)
            weight, frustrated = WEIGHT, record.get("frustration")
            if name in TWEETS:
                frustrated = record["sentiment"] == "negative"
            elif name in FILMS:
                weight, frustrated = FILM_WEIGHT, bool(record["extra"].get("anger_or_disgust"))
            if frustrated is None or record.get("label_original") == "meaningless" or not record["text"].strip():
                continue
            yield {"text": record["text"], "language": record["lang"], "frustrated": bool(frustrated), "weight": weight}


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.feelings", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--leave", choices=NAMES, help="set to leave out, when it is to be measured on")
    given = parser.parse_args()
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(given.data, given.leave))
    given.out.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
