"""What personal data looks like in six languages: numbers and addresses by their form, names by the words around them.

A name without such words ("Antonio likes it") is not found: in German every noun has a capital. What is found of each kind is
measured by `make bench-masking`.
"""

from __future__ import annotations

import re

# On folded text: lower case, without accents. A space, a hyphen or a dash of any kind may part the digits of a number.
_GAP = r"[ .\-\u00a0\u2009\u202f\u2010-\u2015]"
EMAIL = r"[^\s@<>()\[\],;:\"]{0,63}\w(?:@[\w-]+(?:\.[\w-]+)+|\s?[\[(]\s?at\s?[\])]\s?[\w-]+(?:\.[\w-]+)*)"
_GROUP = rf"(?:[a-z]{{4}}(?={_GAP}?\d)|[a-z]{{0,4}}\d[a-z0-9]*)"  # of an IBAN: a bank's code, or digits among letters
IBAN = rf"(?<![^\W_])[a-z]{{2}}{_GAP}?\d\d(?=(?:{_GAP}?[a-z0-9]){{11}})(?:{_GAP}?{_GROUP})+"
HANDLE = r"@\w(?:[\w.-]*\w)?|(?<!\w)u/[\w-]*\w"
CODE = r"(?<![^\W_])(?=[\w-]*\d)[a-z]{1,4}-?\d{3,}[a-z]{0,3}(?!\w)"
LONG_NUMBER = rf"[+(]{{0,2}}(?<!\d)\d(?:(?:{_GAP}|[/()_]){{0,3}}\d){{6,}}(?:\s?(?:x|ext\.?)\s?\d{{1,6}}(?!\w))?"
NUMBER = r"(?<![\w-])\d{5,}"
STREET = "|".join(
    (
        r"(?<![^\W_])(?:\w{2,}(?:stra(?:ß|ss)e|strasse|str\.|weg|gasse|allee|platz|damm|laan|straat|plein|gracht|kade)"
        r"|\w{2,}(?:vagen|gatan|gata|torget|stigen|grand|gade|vej|veien))\s\d{1,4}(?:\s?[a-z])?(?!\w)",
        r"(?<!\w)\d{1,5}[a-z]?,?\s(?:\w+\s){1,3}(?:street|road|avenue|lane|drive|crescent|terrace|gardens)(?!\w)",
        r"(?<!\w)(?!(?:the|this|that|an?|my|your|our|on|in|by|down|off)\s)\w{2,}\s(?:street|road|avenue|lane|drive|crescent|terrace)"
        r"\s\d{1,4}[a-z]?(?!\w)",
        r"(?<!\w)\d{1,4}(?:\s?(?:bis|ter))?,?\s(?:rue|avenue|boulevard|bd|chemin|impasse|quai|allee)\s(?:(?:de|du|des|la|le|les)\s)*"
        r"[\w'’-]+(?:\s[\w'’-]*\d)?",
        r"(?<!\w)(?:(?:calle|avenida|avda\.?|paseo|plaza|camino|piazza|viale|corso|rua|ul\.)\s|c/\s?)(?:[\w.]+\s){0,3}[\w.]+,?\s"
        r"(?:n[.º°o]*\s?)?\d{1,4}(?!\w)",
        r"(?<!\w)(?:apt\.?|apartment|suite|flat(?=\s\d+[a-z]?\s*(?:[,.\n]|\Z))|appt\.?|lgh|lagenhet|p\.?\s?o\.?\s?box|postfach|postbus|apartado(?:\sde\scorreos)?)\s"
        r"(?:n[.º°or]*\s?)?\d{1,5}[a-z]?(?!\w)",
        r"(?<!\w)(?:zip(?:\scode)?|plz|postleitzahl|post\s?code|code\spostal|codigo\spostal|postnummer|postnr\.?)(?:\s?:|\s(?:is|ist|est|es"
        r"|ar))?\s(?=[\w-]*\d)[a-z]{0,2}\d[\w-]{2,7}(?:\s\d[a-z]{2}|\s[a-z]{2}|\s\d\d)?(?!\w)",
    )
)

# From here on the text as it is: a name has a capital.
NAME = r"[^\W\d_a-zß-öø-ÿ][\w'’-]*"
_SPACE = r"[^\S\n]+"
_OF = r"(?:(?:van|von|der|den|de|del|della|di|da|dos|das|la|las|los|le|ter|ten|zu|af|av|bin|ibn|y)[^\S\n]+){0,2}"
_PART = rf"(?:[A-ZÄÖÅÉØ]\.|{NAME})"
_FULL = rf"{NAME}(?:{_SPACE}{_OF}{_PART}){{0,3}}"
_MIXED = r"(?=[\w'’-]*[a-zß-öø-ÿ])"  # a word all in capitals is shouted
_TWO = rf"{_MIXED}{NAME}(?:{_SPACE}{_OF}{_PART}){{1,3}}"
_NOBODY = (  # words with a capital that follow a cue and are nobody's name
    r"(?!(?i:i(?:['’]\w+)?|we|it|this|my|not|no|so|very"
    r"|still|just|really|sorry|also|now|sure|afraid|the|team|customer|support|service|your?|dein[er]?|ihre?[nrm]?|eure?[nr]?"
    r"|das|die|der|ein[en]?|guten|gute|buen[oa]s|good|goede\w*|god|dear|sehr|euch|ihnen|dir|gr[uü](?:ß|ss)\w*|wünsch\w*|liebe|beste|viele|vielen|dank|danke|thanks|thank|regards|wishes|kind"
    r"|best|groet\w*|met|vriendelijke|hälsning\w*|med|vänlig\w*|tack|merci|beaucoup|cordialement|bien|gracias|un|saludos?|hola|hallo|hello"
    r"|hi|hey|hej|bonjour|sir|madam|damen|tout\w*|votre|notre|vuestro|nuestro|ditt|vårt|uw|jouw)(?!\w))"
)
_TITLE = (
    r"(?:(?:frau|herrn?|miss|madame|monsieur|mademoiselle|señorita|señora?|mevrouw|meneer|de\sheer|fru)(?!\w)"
    r"|(?:mrs?|ms|dr|prof|mme|mlle|sra?|srta|mevr|dhr|m(?=\.))(?!\w)\.?)"
)
GREETED = re.compile(
    r"^\W*(?i:hallo|hello|hi|hey|hej|hejsan|hoi|dag|dear|lieber?|lieve|beste|geachte|sehr\sgeehrter?|bonjour|bonsoir|salut|ch[eè]re?"
    r"|hola|querid[oa]|estimad[oa]|kära?|guten\s(?:tag|morgen|abend)|good\s(?:morning|afternoon|evening)|goede(?:morgen|middag|navond)"
    r"|god\s(?:dag|morgon|kväll)|buen[oa]s\s(?:días|tardes|noches))"
    rf"(?P<comma>,)?[^\S\n]+(?:(?i:{_TITLE})[^\S\n]+)*"
    rf"(?P<who>{_NOBODY}{NAME}(?:[^\S\n]{NAME}){{0,3}})"
    r"(?(comma)(?=[^\S\n]*(?:[,!.:;]|$)))",  # "Hallo, wir …" greets nobody
    re.MULTILINE,
)
SIGNED = re.compile(
    r"(?<!\w)(?i:grü(?:ß|ss)en?|gru(?:ß|ss)|regards|wishes|cheers|thanks|thx|thank\syou|bye|sincerely|yours|groet(?:en|jes)?|bedankt|doei"
    r"|hälsning(?:ar)?|mvh|tack|hej\sdå|cordialement|bien\sà\svous|merci|bisous|au\srevoir|saludos?|gracias|adiós|un\sabrazo|danke|dank"
    r"|tschüss?|ciao|lg|vg|mfg)"
    rf"[\s,.!–-]+(?:(?i:von|from|de|van|från)\s)?(?P<who>{_NOBODY}{NAME}(?:\s{NAME}){{0,2}})\W*$",
    re.MULTILINE,
)
# What somebody is called, said outright: written without a capital by people who hurry, then one word.
INTRODUCED = re.compile(
    r"(?<!\w)(?i:my\s(?:full\s)?name\s?(?:is|['’]s)|name['’]s|mein\sname\s(?:ist|lautet)|ich\shei(?:ß|ss)e|je\sm['’]appelle"
    r"|mon\snom\sest|me\sllamo|mi\snombre\ses|jag\sheter|mitt\snamn\sär|mijn\snaam\sis|ik\sheet|named|called|namens|que\sse\sllama)"
    rf":?[^\S\n]+(?:(?i:{_TITLE})[^\S\n]+)*(?P<who>{_NOBODY}(?:{_FULL}"
    r"|(?<!named\s)(?<!called\s)(?<!namens\s)(?!(?i:wrong|on|in|missing|misspell?e?d|spell?e?d|spelt|incorrect|falsch|nicht|auf|mal|pas|mis|incorrecto|mal"
    r"|no|está|fel|inte|niet|verkeerd|fout|and|und)(?!\w))[^\W\d_]{2,}(?:[^\S\n][^\W\d_]{2,}(?=[^\S\n]*(?:[,.!?]|$)))?))",
    re.MULTILINE,
)
CALLED = re.compile(  # what a cue makes likely, and a capital sure
    r"(?<!\w)(?:"
    r"(?i:i['’]m|i\sam|moi\sc['’]est|je\ssuis|soy|ik\sben|je\sspreekt\smet|u\sspreekt\smet|jag\sär|hier\s(?:schreibt|spricht|écrit)"
    r"|(?:spoken?|talk(?:ed|ing)?|speak(?:ing)?|chat(?:ted|ting)?)\s(?:to|with)|att:|attn:|c/o|z\.\s?hd\."
    r"|(?:nach|vor|user|full|first|last|sur|fore)?(?:name|nom|prénom|nombre|apellidos?|naam|namn|customer|kunde|kundin|klant|client[e]?|kund)\s?:"
    r"|(?:under|in)\s(?:the\s|my\s)?(?:\w+['’]s\s)?name(?:\sof)?|calls?\sme|named?\s(?:him|her)|on\sbehalf\sof|auf\s(?:den|meinen)\snamen|au\snom\sde|a\snombre\sde|op\snaam\svan"
    r"|i\snamnet|(?:my|our)\s(?:husband|wife|partner|son|daughter|mother|father|mum|mom|dad|brother|sister|friend|boyfriend|girlfriend)"
    r"|(?:mein[e]?|unser[e]?)\s(?:mann|frau|partner(?:in)?|sohn|tochter|mutter|vater|bruder|schwester|freund(?:in)?)"
    r"|(?:mon|ma)\s(?:mari|femme|compagne|compagnon|fils|fille|mère|père|frère|sœur|soeur|amie?)"
    r"|mi\s(?:marido|mujer|esposa|esposo|pareja|hij[oa]|madre|padre|herman[oa]|amig[oa])"
    r"|mijn\s(?:man|vrouw|partner|zoon|dochter|moeder|vader|broer|zus|vriend(?:in)?)"
    r"|min\s(?:man|fru|sambo|son|dotter|mamma|pappa|bror|syster|vän)"
    r"|colleague|kolleg(?:e|in|en)|coll[eè]gue|compañer[oa]|collega|kollega)"
    rf"[^\S\n]+(?:(?i:{_TITLE})[^\S\n]+)*(?P<who>{_NOBODY}{_MIXED}{_FULL})"
    rf"|(?i:ich\sbin|hier\sist|this\sis|c['’]est|ici|här\sär|det\sär|dit\sis)[^\S\n]+(?P<both>{_NOBODY}(?!(?i:{_TITLE})(?!\w)){_TWO})"
    rf"|(?i:this\sis|här\sär)[^\S\n]+(?P<one>{_NOBODY}(?!(?i:{_TITLE})(?!\w)){_MIXED}{NAME})(?=[^\S\n]*(?:[,.!]|$|(?:speaking|from|again|calling|writing)\b))"
    rf"|(?i:{_TITLE})[^\S\n]+(?P<titled>{_NOBODY}{_MIXED}{_FULL})"
    r")",
    re.MULTILINE,
)
# The first line of a text or its last, beside others, with nothing but two or three words with capitals.
ALONE = re.compile(
    rf"(?:\A[^\S\n]*(?=[^\n]*\n)|(?<=\n)[^\S\n]*(?=[^\n]*\s*\Z))"
    rf"(?P<who>{_NOBODY}{_MIXED}{NAME}(?:{_SPACE}{_OF}{_NOBODY}{_PART}){{1,2}})[^\S\n]*(?=\n|\s*\Z)"
)
WHO = frozenset({"who", "both", "one", "titled"})  # groups that hold a name
NAMES = (GREETED, SIGNED, INTRODUCED, CALLED, ALONE)
# Addresses that only their capitals tell from other words with numbers.
ADDRESSES = re.compile(
    r"(?<![\w-])(?:"
    r"\d{1,5}[a-z]?,?[^\S\n](?:[A-ZÀ-ÞŠŽ][\w'’.-]*[^\S\n]){1,3}(?:St|Str|Rd|Ave|Av|Ln|Dr|Blvd|Boulevard|Court|Ct|Close|Place|Pl|Square|Sq|Way|Row"
    r"|Hill|Park|Street|Road|Avenue|Lane|Drive)(?!\w)"
    r"|(?:[A-ZÀ-Þ][\w-]+[^\S\n])(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Ufer)[^\S\n]\d{1,4}(?:[^\S\n]?[a-z])?(?!\w)"
    r"|(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]hemin|[Qq]uai|[Ii]mpasse)[^\S\n](?:(?:de|du|des|la|le|les)[^\S\n]|l['’]|d['’])*[A-ZÀ-Þ][\w'’-]*"
    r"(?:[^\S\n][A-ZÀ-Þ][\w'’-]*){0,2},?[^\S\n]\d{1,4}(?!\w)"
    r"|[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}(?!\w)"  # a British postcode, a Dutch one
    r"|[1-9]\d{3}\s?(?!EU|UK|US|KR|GB|MB|TB|KG|KM|CM|MM|ML|AM|PM|IN|OF|ON|TO|AT|IS|IT|SA|SD|SS|EN|ET|DE|OM|ER|DU)[A-Z]{2}(?!\w)"
    r")"
)
