"""The words of a text that carry its meaning, so that two texts about one thing can be compared."""

from __future__ import annotations

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
DENIED = re.compile(r"\b(not|no|never|nothing|nobody|neither|without|except)\b[^,;.:]*", re.IGNORECASE)


def stem(word: str) -> str:
    """Return a word in lower case without its ending; at least four letters are left."""
    plain = word.casefold()
    ending = next((e for e in ENDINGS if plain.endswith(e) and len(plain) - len(e) >= SHORTEST), "")
    return plain.removesuffix(ending)


def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words of a text, without those that say nothing of what it is about."""
    return frozenset(stem(w) for w in WORD.findall(text) if w.casefold() not in EMPTY)


def affirmed(text: str) -> str:
    """Return a text without the clauses that deny something: "never used for X" says nothing of a use for X."""
    return DENIED.sub("", text)
