"""The fields of a record that its model does not declare."""

from aims_mlflow.records.open_record import OpenRecord


def unknown(record):
    """Return the fields of a record, and of those in it, that its model does not declare."""
    if isinstance(record, OpenRecord):
        own = {f"{type(record).__name__}.{name}" for name in record.model_extra or {}}
        return own.union(*(unknown(getattr(record, name)) for name in type(record).model_fields))
    inside = record.values() if isinstance(record, dict) else record if isinstance(record, list) else ()
    return set().union(*(unknown(each) for each in inside))
