"""Run-context provider that tags runs and logged models with the capture session that made them."""

from __future__ import annotations

import sys


class SessionContext:
    """An MLflow run-context provider; its own errors never reach MLflow."""

    def in_context(self) -> bool:
        """Return whether a session is open in this process; the test imports nothing."""
        return bool(self.tags())

    def tags(self) -> dict[str, str]:
        """Return the tag `aims.session` while a session is open."""
        state = sys.modules.get("aims_mlflow.capture.state")
        current = getattr(state, "current_session_id", lambda: None)() if state else None
        return {"aims.session": current} if current else {}
