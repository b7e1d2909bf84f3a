"""A list of bought products with AI in them, as a purchasing department keeps it: a CSV with a header."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.records.inventory import InventoryItem
from aims_mlflow.registry.inventory.scan import SourceContent

if TYPE_CHECKING:
    from pathlib import Path

KIND = "vendor list"
PRODUCT, VENDOR = "product", "vendor"
MAX_ROWS, MAX_BYTES = 100_000, 50_000_000


def read(path: Path) -> SourceContent:
    """Return one item for each product of the list.

    Raises:
        Unreachable: the file cannot be read.
        ConfigError: it has no column `product`, a row has none, or it is too long.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise Unreachable(f"cannot be read ({exc.strerror})", where=str(path)) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"the list has over {MAX_BYTES // 1_000_000} MB", where=str(path), next="split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("the list is not UTF-8 text", where=str(path), next="save it as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    columns = {str(c).strip().lower(): c for c in rows.fieldnames or ()}
    if PRODUCT not in columns:
        known = ", ".join(columns) or "none"
        raise ConfigError(
            f"the list has no column {PRODUCT!r}; its columns are {known}", where=f"{path}:1",
            next="name the product in a column `product`, and its maker in `vendor`",
        )  # fmt: skip
    items = []
    for number, row in enumerate(rows, 2):
        if number > MAX_ROWS:
            raise ConfigError(f"the list has over {MAX_ROWS:,} rows", where=str(path), next="split it")
        items.append(_item(row, columns, path, number))
    return SourceContent(tuple(items))


def _item(row: dict[str | None, str], columns: dict[str, str], path: Path, number: int) -> InventoryItem:
    said = {name: (row.get(column) or "").strip() for name, column in columns.items()}
    product, vendor = said.pop(PRODUCT), said.pop(VENDOR, "")
    if not product:
        raise ConfigError("the row names no product", where=f"{path}:{number}", next="name it, or delete the row")
    facts = {name: value for name, value in ({VENDOR: vendor} | said).items() if name and value}
    names = (product, *((f"{vendor}/{product}",) if vendor else ()))
    return InventoryItem(kind="vendor product", id=product, source=KIND, address=str(path), names=names, facts=facts)
