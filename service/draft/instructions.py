"""What an agent asks of another draft, where approved phrases can follow it: a tone."""

from __future__ import annotations

import re

from service.messages import Tone

# An instruction that says nothing else, in the languages agents write it.
_TONES: tuple[tuple[Tone, str], ...] = (
    ("brief", r"(?:much |viel |veel |mycket |beaucoup |bien |mucho )?"
              r"(?:shorter|short|brief(?:er)?|kürzer|kurz|korter|kort|kortare|plus court|plus bref|court"
              r"|más corto|más breve|breve)"),
    ("formal", r"(?:more |plus |más |mer )?(?:formal|formeller|förmlicher|formeler|formellt?|formelle?|formel)"),
    ("warm", r"(?:more |plus |más )?"
             r"(?:warm(?:er)?|friendl(?:y|ier)|freundlicher|herzlicher|vriendelijker|warmer|varmare|vänligare|chaleureux|cálido|cercano)"),
    ("neutral", r"(?:more |plus |más |mer )?(?:neutral(?:er)?|sachlicher|neutraler|zakelijker|neutralt?|neutre|sobrio)"),
)  # fmt: skip
_POLITE = r"(?:please|bitte|gerne|graag|tack|s'il (?:vous|te) pla[iî]t|svp|por favor)"


def tone_of(instruction: str) -> Tone | None:
    """The tone that an instruction asks for, where it asks for nothing else."""
    said = re.sub(rf"\b{_POLITE}\b|[.!,]", " ", instruction.casefold()).strip()
    said = " ".join(said.split())
    return next((tone for tone, pattern in _TONES if re.fullmatch(pattern, said)), None)
