"""The kinds of finding that a run over the documents opens and closes, each walked on a registry with a ledger."""

import dataclasses

from support import live_states
from support import management_states as states


def by_documents(state):
    """Walk the findings of a run over the documents: sealed, and gone in the next run."""

    def walk(world):
        from aims_mlflow.ledger.ledger import Ledger
        from aims_mlflow.ledger.log import configured_log
        from aims_mlflow.management.findings.every import findings
        from aims_mlflow.management.findings.sealing import seal_findings

        world.client.get_registered_model("aims.status")
        ledger = Ledger(f"sqlite:///{world.registry.folder}/mlflow.db.aims.db", configured_log())
        seal_findings(ledger, findings(state, states.NOW))
        yield
        seal_findings(ledger, findings(states.good(), states.NOW))

    return walk


def _without(state, name):
    return tuple(d for d in state.documents if d.id != name)


SCENARIOS = {
    "written-documents": by_documents(
        states.good(
            use_process=states.document(
                "use-process", id="old", process="p of it", oversight="a clerk", review_by="2026-01-01"
            )
        )
    ),
    "impact": by_documents(dataclasses.replace(states.good(), documents=_without(states.good(), "aiia"))),
    "documentation": by_documents(states.good(log_plan=None)),
    "lifecycle": by_documents(live_states.live(states.good(), since="2026-01-01T00:00:00Z")),
    "inventory": by_documents(states.with_items(states.item("registered model", "churn"))),
    "third-party": by_documents(states.good(own_test=None)),
    "internal-audit": by_documents(states.good(ines=None)),
    "leadership": by_documents(
        states.good(
            roles=states.document("roles", roles=[{"role": "owner", "authority": "may stop", "person": "moritz"}])
        )
    ),
    "risk": by_documents(states.good(risks=states.risks(states.risk(), effective_from="2025-01-01"))),
    "use": by_documents(states.good(watch_over=states.oversight(reviewed=12))),
    "management-review": by_documents(states.good(inputs=states.review_inputs(audits=[]))),
    "applicability": by_documents(states.good(soa=None)),
}
