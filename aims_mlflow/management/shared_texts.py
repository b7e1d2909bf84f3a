"""Which free texts stand in documents about several systems: equal ones, and those that differ in a word or two."""

from __future__ import annotations

import difflib
from collections import defaultdict
from typing import TYPE_CHECKING

from aims_mlflow.management.passages import passages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims_mlflow.management.folder import Folder, FolderDocument

LEAST_SHARED = 40
SHARED_BY = 3
ALIKE = 0.95
# Texts that are alike share runs of this many words.
RUN = 4


class SharedTexts:
    """The texts of a folder, each without the name of its system, with the systems that they are about."""

    def __init__(self, folder: Folder) -> None:
        self._systems: dict[str, set[str]] = defaultdict(set)
        for document in folder.documents:
            for text in dict.fromkeys(without_name(p.text, document) for p in passages(document)):
                if document.written.system and len(text) >= LEAST_SHARED:
                    self._systems[text].add(document.written.system)
        self._with_run: dict[str, list[str]] = defaultdict(list)
        for text in self._systems:
            for run in set(_runs(text)):
                self._with_run[run].append(text)
        self._known: dict[str, bool] = {}

    def is_shared(self, text: str) -> bool:
        """Return whether a text, without the name of its system, stands for at least three systems."""
        if len(text) < LEAST_SHARED:
            return False
        if text not in self._known:
            self._known[text] = self._is_shared(text)
        return self._known[text]

    def _is_shared(self, text: str) -> bool:
        systems = set(self._systems.get(text, ()))
        matcher = difflib.SequenceMatcher(None, "", text)
        for other in self._candidates(text):
            if len(systems) >= SHARED_BY:
                break
            matcher.set_seq1(other)
            if _alike(matcher):
                systems |= self._systems[other]
        return len(systems) >= SHARED_BY

    def _candidates(self, text: str) -> list[str]:
        """Return the texts that share a run of words with a text, those with most runs first."""
        shared: dict[str, int] = defaultdict(int)
        for run in set(_runs(text)):
            for other in self._with_run.get(run, ()):
                shared[other] += other != text
        return sorted((o for o, n in shared.items() if n), key=lambda o: -shared[o])


def without_name(text: str, document: FolderDocument) -> str:
    """Return a text in lower case, with one word in place of its system's id."""
    return " ".join(text.casefold().replace(str(document.written.system).casefold(), "SYSTEM").split())


def _runs(text: str) -> Iterator[str]:
    words = text.split()
    for start in range(max(len(words) - RUN + 1, 1)):
        yield " ".join(words[start : start + RUN])


def _alike(matcher: difflib.SequenceMatcher[str]) -> bool:
    return matcher.real_quick_ratio() > ALIKE and matcher.quick_ratio() > ALIKE and matcher.ratio() > ALIKE
