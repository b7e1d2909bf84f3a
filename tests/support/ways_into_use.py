"""Ways to put into use, or take away, what the gate would refuse: each works on a plain server, and not on ours.

A way prepares what it needs on either server and returns the one request that matters. On the plain server that
request goes through and changes the registry; on the gated one the very same request is a 403, and nothing changes.
"""

import json

from support import commands
from support.ways_around import (
    AJAX,
    CHANGED,
    NO_APPROVAL,
    NO_EVIDENCE,
    create,
    set_alias,
    ways_around,
)

WAYS, way = ways_around()


# -- into use -------------------------------------------------------------------------------


@way(NO_APPROVAL)
def an_alias_without_an_approval(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good))


@way(NO_APPROVAL)
def an_alias_through_the_pages_own_path(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good), prefix=AJAX)


@way(NO_APPROVAL)
def an_alias_in_other_letters(site):
    name = site.new()
    yield set_alias(site, name, site.version(name, site.good), "Champion")


@way(NO_APPROVAL)
def an_alias_of_a_version_whose_number_is_written_otherwise(site):
    name = site.new()
    site.version(name, site.good)
    yield set_alias(site, name, "+01")


@way(NO_APPROVAL)
def a_stage_transition(site):
    name = site.new()
    body = {"name": name, "version": site.version(name, site.good), "archive_existing_versions": False}
    yield lambda: site.call("model-versions/transition-stage", stage="Production", **body)


@way(NO_APPROVAL)
def a_stage_transition_in_other_letters_and_digits(site):
    name = site.new()
    site.version(name, site.good)
    body = {"name": name, "version": "01", "stage": "pRODUCTION", "archive_existing_versions": True}
    yield lambda: site.call("model-versions/transition-stage", prefix=AJAX, **body)


@way(NO_APPROVAL)
def an_approval_for_another_alias(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number, "champion")
    yield set_alias(site, name, number, "production")


@way("is under other rules than")
def a_model_in_use_renamed_into_an_enforced_name(site):
    name = site.new("observed")
    set_alias(site, name, site.version(name, site.bare))()
    yield lambda: site.call("registered-models/rename", name=name, new_name=f"loans-{site.is_gated}")


# -- bytes and evidence that change behind the registry ---------------------------------------


@way(CHANGED)
def model_files_overwritten_after_registration(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, number)


@way(CHANGED)
def a_file_added_to_the_model_after_registration(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/code/more.py"
    site.artifact(path, "PUT", b"import os\n")
    try:
        yield set_alias(site, name, number)
    finally:
        site.artifact(path, "DELETE")


@way(CHANGED)
def bytes_hidden_in_the_file_that_mlflow_adds(site):
    """`registered_model_meta` is left out of the digest: only while it is as small as MLflow's own."""
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/registered_model_meta"
    site.artifact(path, "PUT", b"x" * 5000)
    try:
        yield set_alias(site, name, number)
    finally:
        site.artifact(path, "DELETE")


@way(CHANGED)
def a_version_written_otherwise_whose_files_changed(site):
    """The number is what finds the digest at registration: MLflow takes 01 for 1."""
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, "01")


@way(CHANGED)
def moving_back_to_a_version_whose_files_changed(site):
    name, first = site.in_use()
    second = site.version(name, site.good, description="again")
    site.approve(name, second)
    site.must("registered-models/alias", name=name, alias="champion", version=second)
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield set_alias(site, name, first)


@way(NO_EVIDENCE)
def a_model_replaced_before_registration(site):
    path = f"0/models/{site.good[1]}/artifacts/MLmodel"
    with site.changed(path, site.artifact(path) + b"# another model\n"):
        yield create(site, site.new(), f"models:/{site.good[1]}", model_id=site.good[1])


@way("selection-rate ratio for sex=f is 0.")
def numbers_written_into_a_finished_run(site):
    run_id = site.unfair[0]
    site.must("runs/log-metric", run_id=run_id, key="selection_rate_ratio", value=0.99, timestamp=1)
    site.must("runs/set-tag", run_id=run_id, key="mlflow.user", value="olga")
    site.must("runs/set-tag", run_id=run_id, key="aims.decision", value="allowed")
    yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way("evidence is unverifiable")
def evidence_edited_in_a_finished_run(site):
    path = site.session_path(site.unfair)
    lines = site.artifact(path).splitlines(keepends=True)
    envelope = json.loads(lines[4])
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    with site.changed(path, b"".join([*lines[:4], json.dumps(envelope).encode() + b"\n", *lines[5:]])):
        yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way(NO_EVIDENCE)
def evidence_deleted_from_a_finished_run(site):
    with site.changed(site.session_path(site.unfair), None):
        yield create(site, site.new(), f"models:/{site.unfair[1]}", model_id=site.unfair[1])


@way(NO_EVIDENCE)
def evidence_of_another_model_copied_into_the_run(site):
    data = site.artifact(site.session_path(site.good))
    path = f"0/{site.bare[0]}/artifacts/aims/sessions/copied.jsonl"
    site.artifact(path, "PUT", data)
    try:
        yield create(site, site.new(), f"models:/{site.bare[1]}", model_id=site.bare[1])
    finally:
        site.artifact(path, "DELETE")


@way(NO_EVIDENCE)
def evidence_deleted_between_registration_and_use(site):
    name = site.new()
    number = site.version(name, site.good)
    site.approve(name, number)
    with site.changed(site.session_path(site.good), None):
        yield set_alias(site, name, number)


# -- traces of what was in use ----------------------------------------------------------------


@way("was in use, and has no retirement record")
def a_version_that_was_in_use_deleted(site):
    """MLflow writes over its source and run."""
    name, number = site.in_use()
    site.must("registered-models/alias", "DELETE", name=name, alias="champion")
    yield lambda: site.call("model-versions/delete", "DELETE", name=name, version=number)


@way("was in use, and has no retirement record")
def the_same_with_its_number_written_otherwise(site):
    name, number = site.in_use()
    site.must("registered-models/alias", "DELETE", name=name, alias="champion")
    yield lambda: site.call("model-versions/delete", "DELETE", name=name, version=f"0{number}")


@way("was in use, and has no retirement record")
def a_model_that_was_in_use_deleted(site):
    name, _ = site.in_use()
    yield lambda: site.call("registered-models/delete", "DELETE", name=name)


@way(NO_APPROVAL)
def a_model_deleted_and_made_again(site):
    """Numbers begin again at 1: the new version 1 must not inherit what the old one was allowed."""
    name, number = site.in_use()
    if site.is_gated:
        with site.as_approver():
            commands.aims("gate", "retire", f"models:/{name}/{number}", "--reason", "replaced")
            commands.aims("gate", "revoke", f"models:/{name}/{number}", "--reason", "replaced")
    site.must("registered-models/delete", "DELETE", name=name)
    site.must("registered-models/create", name=name)
    again = site.version(name, site.good)
    assert again == number
    yield set_alias(site, name, again)
