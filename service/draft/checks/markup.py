"""no_markup: no Markdown or HTML where the channel shows it as it is written. no_placeholder: nothing left to be filled in."""

from __future__ import annotations

import re

from service.messages import DraftText

_MARKUP = (  # what it is, signs of which one is in each of it, and how it looks
    ("bold", ("**", "__"), re.compile(r"(?<![\w*])\*\*(?=\S)[^*\n]+\*\*|(?<!\w)__(?=[^\W_])[^_\n]+__(?!\w)")),
    ("stars", ("*",), re.compile(r"(?<![\w*])\*(?=[^\W_])[^*\n]{1,120}(?<=[\w.!?])\*(?![\w*])")),
    ("a heading", ("#", "===", "---"), re.compile(r"^\s{0,3}#{1,6}\s+\S|^[^\n]+\n(?:={3,}|-{3,})\s*$", re.MULTILINE)),
    ("a list with stars", ("*", "+"), re.compile(r"^\s*[*+]\s+\S", re.MULTILINE)),
    ("a quote", (">",), re.compile(r"^\s{0,3}>\s+\S", re.MULTILINE)),
    ("a link in brackets", ("](",), re.compile(r"!?\[[^\]\n]+\]\([^)\s]+\)")),
    ("code", ("`", "~~"), re.compile(r"`{3}|(?<![\w`])`[^`\n]+`|~~[^~\n]+~~")),
    ("a rule", ("*", "-", "_"), re.compile(r"^\s*(?:\*\s?){3,}$|^\s*(?:-\s?){3,}$|^\s*(?:_\s?){3,}$", re.MULTILINE)),
    ("a table", ("|",), re.compile(r"^\s*\|.+\|\s*$", re.MULTILINE)),
)
_TAGS = (
    "a|abbr|b|big|blockquote|body|br|center|code|div|em|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li|link|mark|meta|ol|p|pre|s|"
    "script|small|span|strong|style|sub|sup|table|tbody|td|th|tr|u|ul"
)
_HTML = re.compile(rf"</?(?:{_TAGS})\b[^<>]*/?>|&(?:nbsp|amp|lt|gt|quot|apos|#\d{{2,5}}|#x[0-9a-f]{{2,5}});", re.IGNORECASE)
# Small words that stand in brackets where a value is to be filled in; others in small letters, one alone, are the writer's own.
_SLOTS = (
    "name|e-mail|email|account|address|number|handle|datum|date|fecha|nom|nombre|naam|namn|link|order|numero|numéro|nummer|bedrag|belopp|"
    "betrag|amount|montant|importe|vorname|prénom|voornaam|förnamn"
)
_PLACEHOLDER = re.compile(
    r"\{\{?[\w .|-]*\}\}?|\[\[|\]\]|<\w+>|<[A-ZÄÖÜÅ][^<>\n]{1,40}>|\$\{\w+\}|%\([a-z_]+\)s|(?<![\w%])%s\b"
    r"|(?<!\w)_{3,}(?!\w)|(?<!\w)X{3,}(?!\w)|(?<!\w)X{2}(?= ?(?:€|kr|eur|%))|(?<!\w)(?:TBD|TODO|FIXME|N\.N\.)(?!\w)|lorem ipsum"
    rf"|\[(?:[A-ZÄÖÜÅÉ][\w ’'./_-]{{1,40}}|[a-zäöüåé]{{2,20}}(?:[ _-][\w’'-]{{2,20}}){{1,4}}|(?:{_SLOTS}))\]"
)
# One of these is in each of them.
_SIGNS = ("{", "[", "]", "<", "$", "%", "___", "XX", "TBD", "TODO", "FIXME", "N.N.", "lorem")


def markup(text: DraftText, *, rendered: bool) -> list[str]:
    """Marks that would be seen; `rendered`: the channel makes bold of Markdown's stars. HTML is shown nowhere."""
    said = text.text
    marks = () if rendered else _MARKUP
    found = [what for what, signs, pattern in marks if any(sign in said for sign in signs) and pattern.search(said)]
    return found + (["HTML"] if ("<" in said or "&" in said) and _HTML.search(said) else [])


def placeholders(text: str) -> list[str]:
    """What was to be filled in, and was not."""
    return [match[0] for match in _PLACEHOLDER.finditer(text)] if any(sign in text for sign in _SIGNS) else []
