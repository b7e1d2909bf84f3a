"""Sentences for the person at the terminal or notebook, printed on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from aims_mlflow.capture.state import memory

if TYPE_CHECKING:
    from aims_mlflow.errors import AimsError

log = logging.getLogger("aims_mlflow")


def say(text: str) -> None:
    """Print one line for a person; never raises."""
    try:
        sys.stderr.write(f"aims: {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        log.info(text)


def say_once(text: str) -> None:
    """Print a line once in this process."""
    if text not in memory.sentences:
        memory.sentences.add(text)
        say(text)


def sentence_once(error: AimsError) -> str:
    """Return an error's sentence the first time in this process, and later what is wrong alone."""
    sentence = error.sentence()
    is_known = sentence in memory.sentences
    memory.sentences.add(sentence)
    return error.what if is_known else sentence
