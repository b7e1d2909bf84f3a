"""Traces in MLflow: one answer or call of an application, by its id."""

from __future__ import annotations

from aims_mlflow.evidence.tracking import NOT_THERE, client, reaching


def has_trace(trace_id: str) -> bool:
    """Return whether the configured MLflow has a trace.

    Raises:
        ConfigError, Unreachable: MLflow does not tell.
    """
    with reaching(f"read the trace {trace_id}"):
        try:
            client().get_trace(trace_id, display=False)
        except Exception as exc:
            if getattr(exc, "error_code", None) in NOT_THERE:
                return False
            raise
        return True
