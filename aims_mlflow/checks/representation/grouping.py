"""Rows grouped by one column, together with any other column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.checks.representation.group_rates import GroupRates
from aims_mlflow.checks.representation.proxies import feature_codes
from aims_mlflow.checks.statistics.groups import Groups, group_rows
from aims_mlflow.checks.statistics.threads import side_by_side
from aims_mlflow.checks.tables.in_memory import InMemoryTable
from aims_mlflow.checks.tables.validation import find_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from aims_mlflow.checks.tables.dataset import Dataset
    from aims_mlflow.records.pack import Representativeness

    Array = np.ndarray[Any, Any]


def codes_of_features(data: Dataset) -> dict[str, tuple[Array, int]]:
    """Return `proxies.feature_codes` of each feature; none of a remote table, which is asked column by column."""
    if not isinstance(data, InMemoryTable):
        return {}
    names = [name for name in data.features if name not in data.sensitive_names]
    return dict(zip(names, side_by_side(lambda name: _coded(data, name), names, data.rows), strict=True))


def _coded(data: InMemoryTable, name: str) -> tuple[Array, int]:
    import numpy as np

    codes, levels = feature_codes(data.frame[name], data.weights)
    return codes.astype(np.int16), levels


class Grouping:
    """The groups of one column, beside whichever other column is asked for."""

    def __init__(
        self,
        data: Dataset,
        name: str,
        columns: tuple[str, ...],
        settings: Representativeness,
        codes: dict[str, tuple[Array, int]],
        reference: Mapping[str, str],
    ) -> None:
        """Remember what is grouped; `columns` are all that will be: one count table and one `codes` serve them."""
        self.name = name
        self._reference = reference
        self._codes = codes
        self.binned: set[str] = set()
        self._data, self._columns, self._settings = data, columns, settings
        self._last: tuple[InMemoryTable, Groups] | None = None

    def rates(self, groups: Groups) -> GroupRates:
        """Return how shares of these groups are claimed."""
        return GroupRates(groups, self._settings, self._data.role, self._reference)

    def codes_of(self, name: str, part: InMemoryTable) -> tuple[Array, int]:
        """Return the codes of a feature, as `proxies.feature_codes` does; made once for all that is grouped."""
        if name not in self._codes:
            self._codes[name] = _coded(part, name)
        return self._codes[name]

    def with_(self, *names: str) -> tuple[InMemoryTable, Groups]:
        """Return a part of the data with `names`, and the group of each of its rows."""
        part = self._data.part((*self._columns, *names))
        if self._last is None or self._last[0] is not part:
            column = find_columns(part, (self.name,), "representativeness.populations")[self.name]
            self._last = part, group_rows(column.to_frame(), (self.name,), self._settings.pool_under, part.weights)
            self.binned |= set(part.binned)
        return self._last
