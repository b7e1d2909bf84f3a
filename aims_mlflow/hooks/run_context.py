"""Tags runs and logged models with the session that made them, so that they can be found."""

from __future__ import annotations

import sys


class SessionContext:
    """An MLflow run-context provider; it observes, and never breaks its host."""

    def in_context(self) -> bool:
        """Tell whether a session is open here (nothing is imported to find that out)."""
        return bool(self.tags())

    def tags(self) -> dict[str, str]:
        """Return the tag `aims.session` while a session is open."""
        state = sys.modules.get("aims_mlflow.capture.state")
        current = getattr(state, "current_session_id", lambda: None)() if state else None
        return {"aims.session": current} if current else {}
