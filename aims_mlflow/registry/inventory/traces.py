"""Providers and models that traces name: MLflow counts the spans, so that no trace is read."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from aims_mlflow.errors import Unreachable
from aims_mlflow.registry.inventory.pages import each_workspace, experiments, paged
from aims_mlflow.registry.inventory.provider_models import provider_model
from aims_mlflow.registry.inventory.scan import SourceContent

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "providers in traces"
EXPERIMENTS_AT_ONCE = 100


def read(client: Any, address: str) -> SourceContent:
    """Return each model of a provider that spans name, with the number of spans.

    Raises:
        Unreachable: MLflow cannot count spans by provider, or does not answer.
    """
    spans: Counter[tuple[str, str]] = Counter()
    for prefix in each_workspace(client):
        ids = list(experiments(client))
        for start in range(0, len(ids), EXPERIMENTS_AT_ONCE):
            for provider, model, count in _counted(client, ids[start : start + EXPERIMENTS_AT_ONCE]):
                spans[f"{prefix}{provider}", model] += count
    items = [
        provider_model(provider, model, KIND, address, volume=count)
        for (provider, model), count in sorted(spans.items())
    ]
    return SourceContent(tuple(items), "spans that name no provider, and calls that no trace was made of")


def _counted(client: Any, ids: list[str]) -> Iterator[tuple[str, str, int]]:
    from mlflow.tracing.constant import SpanMetricDimensionKey as Dimension
    from mlflow.tracing.constant import SpanMetricKey

    try:
        from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
    except ImportError:
        raise Unreachable("this release of MLflow does not count spans by provider") from None
    tracking = client._tracking_client.store  # noqa: SLF001 - MLflow's client has no such count; a test pins it
    search = partial(
        tracking.query_trace_metrics,
        ids,
        MetricViewType.SPANS,
        SpanMetricKey.SPAN_COUNT,
        [MetricAggregation(AggregationType.COUNT)],
        [Dimension.SPAN_MODEL_PROVIDER, Dimension.SPAN_MODEL_NAME],
    )
    for point in _points(search):
        provider = point.dimensions.get(Dimension.SPAN_MODEL_PROVIDER)
        model = point.dimensions.get(Dimension.SPAN_MODEL_NAME)
        if provider or model:
            yield provider or "unnamed provider", model or "", int(next(iter(point.values.values())))


def _points(search: Any) -> Iterator[Any]:
    try:
        yield from paged(search, "count the spans by provider")
    except NotImplementedError:
        raise Unreachable("this store does not count spans by provider") from None
