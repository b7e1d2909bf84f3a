"""Packs: they are read from shipped folders or a team's own folder, and validated before use."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aims_mlflow.canonical import SAFE_INTEGER, canonical, sha256_hex
from aims_mlflow.catalog.loader import require_control
from aims_mlflow.checks import installed_checks, metrics
from aims_mlflow.checks.packs.inherit import merged
from aims_mlflow.checks.packs.origins import with_origins
from aims_mlflow.checks.quality.expectations import KNOWN, PLACEHOLDERS, ROLES, placeholders_in
from aims_mlflow.errors import ConfigError, did_you_mean
from aims_mlflow.records.pack import Limit, Pack
from aims_mlflow.strict_yaml import Document, parse, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aims_mlflow.records.pack import Task
    from aims_mlflow.records.system import Data

FILE = "pack.yaml"


def shipped_packs() -> list[str]:
    """Return the names of the packs that come with the package."""
    here = resources.files(__package__)
    return sorted(entry.name for entry in here.iterdir() if entry.is_dir() and entry.joinpath(FILE).is_file())


def load_pack(name_or_folder: str, base: Path | None = None) -> Pack:
    """Return the pack in the folder `base / name_or_folder`, else the shipped pack of that name.

    A folder comes first, so that a team's copy under the shipped name is what applies.

    Raises:
        ConfigError: there is no such pack, or it is not valid: with file and line.
        Unreachable: it cannot be read.
    """
    document, folder = _find(name_or_folder, base or Path.cwd())
    return _extended(document, folder, ())


def with_references(pack: Pack, data: Data) -> Pack:
    """Return the pack with the reference groups that aims.yaml names, which come before the pack's own."""
    if not data.reference:
        return pack
    named = {**pack.fairness.reference, **data.reference}
    return pack.model_copy(update={"fairness": pack.fairness.model_copy(update={"reference": named})})


def _extended(document: Document, folder: Path | None, children: tuple[str, ...]) -> Pack:
    """Return the pack over the packs that it extends; `folder` is where those are looked for."""
    pack = document.validate(Pack)
    if pack.extends is None:
        if pack.without:
            raise ConfigError(
                "`without` has no pack to leave out of", where=document.where("without"), next="add extends"
            )
        return with_origins(check_pack(document), root=True)
    names = (*children, document.name)
    parent, above = _find(pack.extends, folder or Path.cwd(), not_in=names)
    if parent.name in names:
        raise ConfigError(f"{pack.extends!r} extends itself", where=document.where("extends"))
    whole = _extended(parent, above, names)
    extended = merged(whole, with_origins(check_pack(document, whole.task)), document.where("without"))
    _check_limits_fit(extended, document)
    return extended


def _check_limits_fit(pack: Pack, document: Document) -> None:
    """Refuse a pack whose task does not fit the limits of its parent."""
    for section, known in (("fairness", metrics.FAIRNESS_OF), ("performance", metrics.PERFORMANCE_OF)):
        for limit in getattr(pack, section).limits:
            if limit.metric not in known[pack.task]:
                raise ConfigError(
                    f"{section} limit {limit.metric!r} of {pack.extends!r} does not fit the task {pack.task}",
                    where=document.where("task"),
                    next=f"leave it out: without: [{section}.{limit.metric}]",
                )


def _find(name_or_folder: str, base: Path, not_in: tuple[str, ...] = ()) -> tuple[Document, Path | None]:
    """Return a pack's document and its folder; None for a shipped one."""
    path = base / Path(name_or_folder).expanduser() / FILE
    if path.is_file() and str(path) not in not_in:
        return read(path), path.parent
    if name_or_folder not in shipped_packs():
        hint = did_you_mean(name_or_folder, shipped_packs())
        raise ConfigError(
            f"there is no pack {name_or_folder!r}" + (f", {hint}" if hint else ""),
            where=str(path),
            next=f"name a shipped pack ({', '.join(shipped_packs())}) or a folder with a {FILE}",
        )
    return _shipped(name_or_folder), None


@functools.cache
def _shipped(name: str) -> Document:
    """Return a shipped pack's document; parsing one takes longer than some trainings' checks."""
    text = resources.files(__package__).joinpath(name, FILE).read_text(encoding="utf-8")
    return parse(text, f"shipped pack {name}")


def check_pack(document: Document, task: Task | None = None) -> Pack:
    """Return a document as a pack; its metrics must fit its task, or `task` (of its parent) where it names none.

    Raises:
        ConfigError: an unknown key, control, metric, expectation or data role, with the nearest known one.
    """
    pack = document.validate(Pack)
    task = pack.task if task is None or "task" in pack.model_fields_set else task
    for section in (
        "data_quality",
        "representativeness",
        "fairness",
        "performance",
        "drift",
        "monitor",
        "robustness",
        "privacy",
        "leakage",
    ):
        for i, control in enumerate(getattr(pack, section).controls):
            require_control(control, where=document.where(section, "controls", i))
    for i, mine in enumerate(pack.checks):
        _check_name(
            mine.name, installed_checks.names(), "check among the entry points", document.where("checks", i, "name")
        )
        for k, control in enumerate(mine.controls):
            require_control(control, where=document.where("checks", i, "controls", k))
    _check_limits(document, "representativeness", pack.representativeness.limits, metrics.REPRESENTATIVENESS)
    _check_limits(document, "fairness", pack.fairness.limits, metrics.FAIRNESS_OF[task])
    _check_limits(document, "robustness", pack.robustness.limits, metrics.ROBUSTNESS)
    _check_limits(document, "performance", pack.performance.limits, metrics.PERFORMANCE_OF[task])
    for i, expectation in enumerate(pack.data_quality.expectations):
        at = ("data_quality", "expectations", i)
        _check_name(expectation.type, KNOWN, "expectation", document.where(*at, "type"))
        for role in expectation.roles:
            _check_name(role, ROLES, "data role", document.where(*at, "roles"))
        known = [*PLACEHOLDERS, *(f"${name}" for name in pack.data_quality.groups)]
        for name in sorted(placeholders_in(expectation.kwargs)):
            if not name.endswith("$"):  # a regular expression may end so, and start so hardly ever
                _check_name(name, known, "column group", document.where(*at, "kwargs"))
    return pack


def _check_limits(document: Document, section: str, limits: Iterable[Limit], known: Iterable[str]) -> None:
    for i, limit in enumerate(limits):
        _check_name(limit.metric, known, f"{section} metric", document.where(section, "limits", i, "metric"))


def _check_name(name: str, known: Iterable[str], what: str, where: str) -> None:
    known = list(known)
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(f"there is no {what} {name!r}" + (f", {hint}" if hint else ""), where=where)


def pack_text(pack: Pack) -> bytes:
    """Return a resolved pack as canonical JSON (RFC 8785): what was checked, and with which limits and reasons.

    Whole numbers beyond 2^53, which canonical JSON does not have, are written as `{"integer": "9007199254740993"}`.
    """
    return canonical(_with_safe_integers(pack.model_dump(mode="json")))


def pack_digest(pack: Pack) -> str:
    """Return the sha256 (hex) of `pack_text`."""
    return sha256_hex(pack_text(pack))


def _with_safe_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_safe_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_safe_integers(item) for item in value]
    large = isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE_INTEGER
    return {"integer": str(value)} if large else value
