"""The first name somebody is greeted by, where what is given for a name is one."""

from __future__ import annotations

import re

_NAME = re.compile(r"^[^\W\d_][^\W\d_]*(?:['’-][^\W\d_]+)*$")
# What shops and widgets put where nobody gave a name, and how people are addressed by their last name.
_NO_NAMES = frozenset(
    "guest gast gäst invité invitée invitado invitada visitor visitante visiteur besucher bezoeker besökare customer kunde kundin"
    " klant kund client cliente user anonymous anonym anoniem anonyme anónimo unknown"
    " mr mrs ms miss dr prof herr frau hr fr dhr mevr mevrouw meneer mijnheer fru fröken m mme mlle monsieur madame mademoiselle"
    " sr sra srta señor señora señorita don doña".split()
)


def first_name(full: str | None, *, given: bool = False) -> str | None:
    """The first name, or None where there is none to greet by: a handle, "Guest", a title with a last name.

    A name that was only `given` with a message is taken for a handle where it is one word in lower case, like "bergziege".
    """
    words = (full or "").split()
    if not words or len(words[0]) < 2 or not _NAME.match(words[0]) or words[0].casefold() in _NO_NAMES:
        return None
    if given and len(words) == 1 and words[0].islower():
        return None
    return words[0] if not (words[0].islower() or words[0].isupper()) else words[0].capitalize()
