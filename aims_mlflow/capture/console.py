"""Sentences for the person at the terminal or notebook, printed on standard error."""

from __future__ import annotations

import logging
import sys

from aims_mlflow.capture.state import memory

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
