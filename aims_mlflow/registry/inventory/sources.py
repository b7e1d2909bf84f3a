"""The sources that one call of `aims system scan` reads: MLflow's stores, source trees and vendor lists."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aims_mlflow.errors import Unreachable
from aims_mlflow.evidence.mlflow_address import plain_uri
from aims_mlflow.registry.inventory import (
    gateway,
    logged_models,
    mcp_servers,
    registered_models,
    source_tree,
    traces,
    vendor_list,
)
from aims_mlflow.registry.inventory.scan import SourceReader
from aims_mlflow.registry.reading import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aims_mlflow.registry.inventory.scan import SourceContent

# MLflow's registry of skills, and the first release that has one.
SKILLS, WITH_SKILLS = "skills", (3, 18)


def mlflow_readers(tracking: str | None, registry: str | None) -> Iterator[SourceReader]:
    """Yield the readers of everything that MLflow's stores show.

    Raises:
        Unreachable: MLflow does not answer.
    """
    import mlflow

    client = connect(tracking, registry)
    runs = plain_uri(str(mlflow.get_tracking_uri()))
    models = plain_uri(str(mlflow.get_registry_uri()))
    yield SourceReader(registered_models.MODELS, models, partial(registered_models.read_models, client, models))
    yield SourceReader(registered_models.PROMPTS, models, partial(registered_models.read_prompts, client, models))
    for reader in (logged_models, gateway, traces, mcp_servers):
        yield SourceReader(reader.KIND, runs, partial(reader.read, client, runs))
    if tuple(int(part) for part in mlflow.__version__.split(".")[:2]) >= WITH_SKILLS:
        yield SourceReader(SKILLS, runs, _no_skills)


def file_readers(trees: Iterable[Path], vendors: Iterable[Path]) -> Iterator[SourceReader]:
    """Yield the readers of source trees and vendor lists."""
    for tree in trees:
        yield SourceReader(source_tree.KIND, str(tree), partial(source_tree.read, tree))
    for path in vendors:
        yield SourceReader(vendor_list.KIND, str(path), partial(vendor_list.read, path))


def _no_skills() -> SourceContent:
    """Raise: MLflow keeps skills, and this package reads none of them yet."""
    raise Unreachable("this release of aims_mlflow reads no skills")
