"""What the name of a column says about people: characteristics, and special categories of personal data."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

# Characteristics of people as tables name them, by language; "genre" is left out: it means something else in English.
CHARACTERISTICS = (
    r"sex|gender|race|ethnic\w*|age|religio\w*|national\w*|citizenship|marital\w*|disab\w*|orientation|personal_status",
    r"geschlecht\w*|alters?|alters(gruppe|klasse|band)|herkunft\w*|staatsangeh\w*|ethnie|hautfarbe|familienstand|behinder\w*",
    r"sexe|âge|ethnie|état_civil|etat_civil|handicap\w*",
    r"sexo|género|genero|edad|raza|etnia|nacionalidad\w*|estado_civil|discapacidad\w*",
    r"sesso|età|razza|nazionalit\w*|stato_civile|disabilit\w*",
    r"gênero|idade|raça|raca|nacionalidade|deficiência\w*",
    r"geslacht|leeftijd\w*|burgerlijke_staat|kön|ålder|køn|kjønn|alder|płeć|wiek",
)
_SENSITIVE = re.compile(rf"(^|[_\W])({'|'.join(CHARACTERISTICS)})([_\W]|$)", re.IGNORECASE)
# Special categories of personal data by what names of columns say: GDPR art. 9(1), and 10 for convictions.
SPECIAL = {
    what: re.compile(rf"(^|[_\W])({words})([_\W]|$)", re.IGNORECASE)
    for what, words in {
        "racial or ethnic origin": r"race|racial\w*|ethni\w*|skin_?colou?r|rasse|hautfarbe|raza|razza|raça|etnia",
        "political opinions": r"politi[ckq]\w*|polít\w*|party_?member\w*|partei\w*",
        "religious or philosophical beliefs": r"reli[gj]i\w*|faith|beliefs?|denomination|konfession|glaube",
        "trade union membership": r"(trade_?union|union_?member)\w*|gewerkschaft\w*|syndical\w*|sind[ai]cat\w*",
        "genetic or biometric data": r"g[eé]n[eé]ti\w*|genom\w*|dna|biometri\w*|biométri\w*|fingerprints?",
        "health": (
            r"health\w*|diagn[oó]s\w*|disab\w*|diseases?|medic(a|ine)\w*|icd_?\d*|pregnan\w*|hiv|patients?|hospital\w*|"
            r"re_?admi(t|ss)\w*|length_of_stay|symptom\w*|surger\w*|therap\w*|comorbid\w*|smok(er|ing)\w*|bmi|insulin\w*|"
            r"creatinine|glucose|cholesterol|hba1c|blood_\w+|heart_rate|allerg\w*|tumou?r\w*|cancer\w*|diabet\w*|"
            r"gesundheit\w*|krank\w*|behinder\w*|schwanger\w*|blut\w*|raucher\w*|santé|maladie\w*|handicap\w*|"
            r"salud|enferm\w*|embaraz\w*|discapaci\w*|salute|malatti\w*|saúde|doença\w*|gezondheid\w*|ziekte\w*"
        ),
        "sex life or sexual orientation": r"sexual\w*|sexuell\w*|sessual\w*|sex_?life",
        "criminal convictions and offences": (
            r"crimin\w*|convict\w*|offen[cs]es?|arrests?|felon\w*|(vor)?straf\w*|verurteil\w*|condamn\w*|condena\w*|reato"
        ),
    }.items()
}


def suggest_sensitive(columns: Any) -> list[str]:
    """Return the column names that sound like a protected characteristic (sex, age, race, Geschlecht, edad, ...)."""
    return [str(name) for name in columns if _SENSITIVE.search(spaced(str(name)))]


def special_category(name: str) -> str | None:
    """Return the special category of personal data (GDPR art. 9(1) and 10) that a column's name says, or None."""
    return next((what for what, pattern in SPECIAL.items() if pattern.search(spaced(name))), None)


def spaced(name: str) -> str:
    """Return a name with its words apart, in composed letters: lastName as last_Name, Estado civil as Estado_civil."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\s+", "_", unicodedata.normalize("NFC", name))
