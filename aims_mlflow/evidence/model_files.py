"""Files of logged models, downloaded from MLflow."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from aims_mlflow.evidence.tracking import downloaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_kept: ContextVar[tuple[contextlib.ExitStack, dict[str, Path]] | None] = ContextVar("_kept", default=None)


@contextlib.contextmanager
def model_folder(model_id: str) -> Iterator[Path]:
    """Download a logged model, and yield its folder; the copy is deleted afterwards.

    Raises:
        Unreachable: it cannot be read.
    """
    kept = _kept.get()
    if kept is None:
        with downloaded(f"models:/{model_id}", f"model {model_id}") as folder:
            yield folder
        return
    copies, folders = kept
    if model_id not in folders:
        folders[model_id] = copies.enter_context(downloaded(f"models:/{model_id}", f"model {model_id}"))
    yield folders[model_id]


@contextlib.contextmanager
def one_download_each() -> Iterator[None]:
    """Download each model once inside: digest, answers and findings are then of the same bytes."""
    with contextlib.ExitStack() as copies:
        token = _kept.set((copies, {}))
        try:
            yield
        finally:
            _kept.reset(token)
