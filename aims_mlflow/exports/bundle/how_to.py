"""Instructions for verification without our software: the page `verify.html` of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aims_mlflow.audit.keyrings import history_of, log_keys
from aims_mlflow.audit.report import Step
from aims_mlflow.exports.bundle.earlier_checkpoints import earlier_files
from aims_mlflow.html_templates import templates_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims_mlflow.exports.bundle.ledger import PartLedger


def render_how_to(view: PartLedger, about: Mapping[str, Any]) -> bytes:
    """Return `verify.html`: commands that check the bundle with openssl, sha256sum and a shell alone."""
    head = view.head()
    history = history_of(view, Step("keyring"), ())
    log = next((key.key_id for key in log_keys(history) if head.note.signed_by(head.origin, key)), "")
    stamped = any(name.endswith(".tsr") for name in earlier_files(view.files))
    envelope = next((n for n in view.files.names if n.startswith("envelopes/")), "")
    return _render("verify.html.j2", about=about, head=head, log=log, stamped=stamped, envelope=envelope)


def _render(template: str, **values: Any) -> bytes:
    environment = templates_of("aims_mlflow.exports.bundle")
    text: str = environment.get_template(template).render(**values)
    return text.encode()
