"""Who may decide for the organisation: top management, and whose function leads a part of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.management.findings.state import ManagementState

TOP = re.compile(r"\b(board|top management)\b", re.IGNORECASE)
BODY = re.compile(rf"{TOP.pattern}|\b(committee|(risk|system|product) owners?)\b", re.IGNORECASE)
SEVERAL = re.compile(r"[,;/&]|\band\b")
LEADS = re.compile(
    r"\b(heads?|chief|directors?|board|managers?|officers?|president|partner|c[eioftr]o|ciso|cdao)\b", re.IGNORECASE
)


def managers(state: ManagementState) -> list[str]:
    """Return the ids of people of top management, and of those whose function leads, by the register of people."""
    return [p.id for p in state.people.values() if p.top_management or LEADS.search(p.function or "")]


def is_known(words: str, state: ManagementState) -> bool:
    """Return whether each name in words such as "max and olga" is a person, a function or a body of management."""
    known = {*map(state.same_person, state.people), *_functions(state.people, state)}
    return all(
        any(state.same_person(n) in known or n.casefold() in known or BODY.search(n) for n in names)
        for names in _named(words)
    )


def decides(words: str, people: Iterable[str], state: ManagementState) -> bool:
    """Return whether words name one of several people, by name or function, or top management as a body."""
    able = {state.same_person(name) for name in people}
    able |= _functions(able, state)
    names = [name for names in _named(words) for name in names]
    return any(TOP.search(n) or state.same_person(n) in able or n.casefold() in able for n in names)


def _named(words: str) -> list[list[str]]:
    """Return the names in words, each in the ways it is given: "the head of lending (olga)" has two."""
    return [[n.strip() for n in re.split(r"[()]", part) if n.strip()] for part in SEVERAL.split(words)]


def _functions(names: Iterable[str], state: ManagementState) -> set[str]:
    of = {state.same_person(name) for name in names}
    return {p.function.casefold() for p in state.people.values() if p.function and state.same_person(p.id) in of}
