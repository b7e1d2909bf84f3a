"""Runs of published documents in MLflow: one run of the experiment `aims` for each published version."""

from __future__ import annotations

from aims_mlflow.evidence import tracking

EXPERIMENT = "aims"
DOCUMENT_TAG = "aims.document"
PAGE = 500
MOST_RUNS = 20_000


def make_run(name: str, tags: dict[str, str]) -> str:
    """Make a run for a document in the experiment `aims`, and return its id.

    Raises:
        Unreachable: MLflow does not answer, or refuses.
    """
    client = tracking.client()
    with tracking.reaching("make a run for the document"):
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        run = client.create_run(experiment, run_name=name, tags=tags)
        client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def document_runs(*, first: bool = False, document: str | None = None) -> list[str]:
    """Return the runs of published documents, or of one; the tag finds them, and only signatures decide.

    `first` takes a database that is not there for an empty one, as the first publication does. `document` is the id of
    the one whose runs are wanted.

    Raises:
        Unreachable: MLflow does not answer.
    """
    if first:
        tracking.check_server()
    else:
        tracking.check_there()
    client = tracking.client()
    out: list[str] = []
    with tracking.reaching("list the published documents"):
        found = client.get_experiment_by_name(EXPERIMENT)
        token = None
        while found is not None and len(out) < MOST_RUNS:
            page = client.search_runs(
                [found.experiment_id], f"tags.`{DOCUMENT_TAG}` != ''", max_results=PAGE, page_token=token
            )
            out += [r.info.run_id for r in page if document in (None, r.data.tags.get(DOCUMENT_TAG))]
            token = page.token
            if not token:
                break
    return out
