"""Texts that stand in for a statement, such as "TODO", "n/a" or "siehe oben"."""

from __future__ import annotations

import re
import unicodedata

from aims_mlflow.signing.look_alikes import LATIN

PLACEHOLDER = re.compile(
    r"(to ?do|tb[acds]|fix ?me|xxx+|n\.? ?/?a\.?|none|null|nil|unknown|unclear|pending|later|in progress|coming soon|"
    r"not (yet )?(stated|known|decided|defined|applicable|available|specified)|not yet|"
    r"(to|will) be (defined|determined|decided|done|added|confirmed|written)( later)?|to follow|follows|"
    r"(as|like) (its|the|their) owners? says?|as (stated|above|before|below)|idem|ditt?o|"
    r"see (owner|above|below|there|(the )?(policy|document|register|file|wiki|intranet|website))|"
    r"because (it|this) (applies|does not apply)|ask (me|us|the owner)|placeholder|lorem ipsum.*|same|yes|ok(ay)?|"
    r"<[^>]*>|\[[^\]]*\]|\{[^}]*\})[\s.!]*",
    re.IGNORECASE,
)
# The same in nine other languages, without their words for none: those may be an answer.
IN_OTHER_LANGUAGES = frozenset(
    (
        *("siehe oben", "siehe unten", "wie oben", "s. o", "entfällt", "k. a", "k.a", "keine angabe"),
        *("keine angaben", "nicht zutreffend", "nicht anwendbar", "nicht bekannt", "unbekannt", "offen", "noch offen"),
        *("folgt", "à compléter", "à définir", "à venir", "voir ci-dessus", "voir plus haut", "sans objet"),
        *("inconnu", "ver arriba", "no aplica", "por definir", "pendiente"),
        *("desconocido", "vedi sopra", "da definire", "non applicabile", "ver acima"),
        *("não se aplica", "n.v.t", "nvt", "zie boven", "nie dotyczy", "jak wyżej"),
        *("同上", "待定", "不适用", "未定", "該当なし"),
    )
)
AROUND = " \t\n.,;:!?()[]*_\"'-\u2013\u2014\u2026\u3002"
LOOK_ALIKE = {ord(c): latin for latin, others in LATIN.items() for c in others if c.isalpha()}


def is_placeholder(text: str) -> bool:
    """Return whether a text stands in for a statement, also with letters that look alike or that nobody sees."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf").casefold()
    forms = {form for each in (seen, seen.translate(LOOK_ALIKE)) for form in (each.strip(), each.strip(AROUND))}
    return not forms.isdisjoint(IN_OTHER_LANGUAGES) or any(map(PLACEHOLDER.fullmatch, forms))
