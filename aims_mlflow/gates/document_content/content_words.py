"""The words of a text that carry its meaning, so that two texts about one thing can be compared."""

from __future__ import annotations

import functools
import re

WORD = re.compile(r"[^\W_]{2,}")
# Words that say nothing of what a text is about.
EMPTY = frozenset(
    re.findall(
        r"\w+",
        """a about after all also an and any are as at be been before being but by can do does each every for from has
        have he her his how if in into is it its may more most must no nor not of on only or other our out over she
        should some such than that the their them then there they this to too under until up use used uses using was we
        were what when where which who whom whose will with without would you your""",
    )
)
# Endings of one word, longest first: "scoring", "scores" and "scored" are about one thing.
ENDINGS = (
    "ations", "ation", "ments", "ment", "ingly", "ising", "izing", "ings", "ing", "ions", "ion", "ised", "ized", "ises",
    "izes", "ise", "ize", "ees", "ers", "ors", "als", "ies", "ied", "ee", "er", "or", "al", "es", "ed", "ly", "s", "e",
    "y",
)  # fmt: skip
SHORTEST = 4
# Words of harms in general: without others a text states neither what happens nor by what.
GENERAL = (
    "bias biased biases harm harmful harmed risk risky discrimination discriminatory discriminated unfair unfairness "
    "fairness disadvantage error errors impact effect negative adverse potential potentially possible possibly might "
    "could occur happen arise exist lead result cause people person persons group groups user individual individuals "
    "certain some various several general model system ai output privacy safety issue concern problem unwanted "
    "undesired unintended consequence damage against because due towards"
)
# What a text that is not general has besides: two words, or the letters of a long one, as in languages that join words.
LEAST_WORDS, LEAST_LETTERS = 2, 12
DENIED = re.compile(r"\b(not|no|never|nothing|nobody|neither|without|except)\b[^,;.:]*", re.IGNORECASE)


def stem(word: str) -> str:
    """Return a word in lower case without its ending; at least four letters are left."""
    plain = word.casefold()
    ending = next((e for e in ENDINGS if plain.endswith(e) and len(plain) - len(e) >= SHORTEST), "")
    return plain.removesuffix(ending)


@functools.lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words of a text, without those that say nothing of what it is about."""
    return frozenset(stem(w) for w in WORD.findall(text) if w.casefold() not in EMPTY)


def affirmed(text: str) -> str:
    """Return a text without the clauses that deny something: "never used for X" says nothing of a use for X."""
    return DENIED.sub("", text)


def is_vague(text: str) -> bool:
    """Return whether a text has nothing but words that are true of any harm, such as "potential bias may occur"."""
    own = content_words(text) - content_words(GENERAL)
    return len(own) < LEAST_WORDS and sum(map(len, own)) < LEAST_LETTERS
