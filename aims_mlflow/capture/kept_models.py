"""Fitted models on disk: written before anything else is tried, and gone again when MLflow has them."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.capture.console import log
from aims_mlflow.capture.parameters import Settings
from aims_mlflow.errors import DataError, Unreachable
from aims_mlflow.settings import working_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.capture.fit import Fit

UNSENT = "aims-unsent"
ABOUT = "training.json"


@dataclass(frozen=True, kw_only=True)
class KeptModels:
    """The folder of a session whose models MLflow does not have yet.

    Attributes:
        folder: The folder; None where nothing was fitted.
        files: File of each model that could be written, by the model's name.
        failed: Names of the models that could not be written.
    """

    folder: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    def advice(self) -> str:
        """Return where the models are, and the call that finishes the evidence."""
        calls = [f'aims.evaluate("{path}", train=..., test=...)' for path in self.files.values()]
        lost = f"; not kept, since it cannot be pickled: {', '.join(self.failed)}" if self.failed else ""
        if not calls:
            return f"no model could be kept{lost}"
        return (
            f"the fitted model is kept in {', '.join(map(str, self.files.values()))}{lost}. "
            f"With the same data, {' and '.join(calls)} logs it and finishes the evidence"
        )

    def discard(self) -> None:
        """Delete what was kept, and the folder above where it is empty."""
        if self.folder is None:
            return
        for path in (*self.files.values(), self.folder / ABOUT):
            path.unlink(missing_ok=True)
        for folder in (self.folder, self.folder.parent):
            with contextlib.suppress(OSError):  # it holds something else
                folder.rmdir()


@dataclass(frozen=True, kw_only=True)
class TrainingDescription:
    """What a kept model's training was: for the evidence that is finished later."""

    system: str
    run_id: str
    name: str
    function: str
    settings: Settings
    fit_seconds: float


def discard_kept(path: Path) -> None:
    """Delete a kept model that is logged; with the last one the folder, whose evidence is in the run by now."""
    path.unlink(missing_ok=True)
    if not any(path.parent.glob("*.pkl")):
        shutil.rmtree(path.parent, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.parent.parent.rmdir()


def unsent_folder(session_id: str) -> Path:
    """Return the folder for what MLflow did not take: in the working directory, or where that cannot be written."""
    for place in (working_folder() / UNSENT, Path(tempfile.gettempdir(), UNSENT)):
        folder = place / session_id
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return folder
    raise Unreachable("no folder can be written", where=str(working_folder() / UNSENT), next="free some space")


def keep(session_id: str, fit: Fit, about: Mapping[str, Any]) -> KeptModels:
    """Write the models that were handed over, and what their training was; never raises."""
    fitted = [(name, model) for name, model in fit.models if not isinstance(model, str)]
    if not fitted:
        return KeptModels()
    import cloudpickle

    files: dict[str, Path] = {}
    failed = []
    try:
        folder = unsent_folder(session_id)
        for name, model in fitted:
            path = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:80]}-{len(files)}.pkl"
            try:
                with path.open("wb") as file:
                    cloudpickle.dump(model, file)
                files[name] = path
            except Exception:  # noqa: BLE001 - a model may refuse to be pickled in any way
                log.debug("the model %s could not be kept", name, exc_info=True)
                path.unlink(missing_ok=True)
                failed.append(name)
        names = {path.name: name for name, path in files.items()}
        settings = {"values": fit.settings.values, "left_out": fit.settings.left_out}
        found = {**about, "names": names, "settings": settings, "fit_seconds": fit.seconds}
        (folder / ABOUT).write_text(json.dumps(found), encoding="utf-8")
    except (OSError, Unreachable, ValueError):
        log.warning("the fitted models could not be kept", exc_info=True)
        return KeptModels(failed=tuple(name for name, _ in fitted))
    return KeptModels(folder=folder, files=files, failed=tuple(failed))


def read_kept(path: Path) -> tuple[Any, TrainingDescription]:
    """Return a kept model, and what its training was. Loading a pickle runs its code: only a file of one's own.

    Raises:
        DataError: it is no model that a training kept.
        Unreachable: it cannot be read.
    """
    import cloudpickle

    try:
        about = json.loads((path.parent / ABOUT).read_text(encoding="utf-8"))
        model = cloudpickle.loads(path.read_bytes())
        settings = Settings(**about["settings"])
        name = about["names"][path.name]
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path), next="check the path") from None
    except Exception as exc:
        what = f"this is no model that a training kept ({type(exc).__name__})"
        raise DataError(what, where=str(path), next=f"give the file that stands beside {ABOUT}") from exc
    return model, TrainingDescription(
        system=about["system"], run_id=about["run_id"], name=name, function=about["function"],
        settings=settings, fit_seconds=about["fit_seconds"],
    )  # fmt: skip
