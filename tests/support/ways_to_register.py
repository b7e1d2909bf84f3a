"""Ways to register what the gate would refuse: each works on a plain server, and not on ours.

A way prepares what it needs on either server and returns the one request that matters. On the plain server that
request goes through and changes the registry; on the gated one the very same request is a 403, and nothing changes.
"""

import contextlib
import urllib.error
import urllib.parse
import urllib.request

from support.ways_around import (
    AJAX,
    IS_PROMPT,
    NO_EVIDENCE,
    NOBODYS,
    create,
    set_alias,
    ways_around,
)

WAYS, way = ways_around()


# -- a source that is not what it says ------------------------------------------------------


@way(NO_EVIDENCE)
def a_model_without_evidence(site):
    yield create(site, site.new(), f"models:/{site.bare[1]}", model_id=site.bare[1])


@way(NO_EVIDENCE)
def the_same_through_the_pages_own_path(site):
    yield create(site, site.new(), f"models:/{site.bare[1]}", AJAX, model_id=site.bare[1])


@way(NO_EVIDENCE)
def a_model_by_the_name_of_its_run(site):
    yield create(site, site.new(), f"runs:/{site.bare[0]}/model", run_id=site.bare[0])


@way(NO_EVIDENCE)
def a_model_by_the_place_of_its_files(site):
    place = f"mlflow-artifacts:/0/models/{site.bare[1]}/artifacts"
    yield create(site, site.new(), place, model_id=site.bare[1])


@way(NOBODYS)
def bytes_elsewhere_with_a_compliant_run(site):
    yield create(site, site.new(), "s3://anything/model", run_id=site.good[0])


@way(NOBODYS)
def bytes_elsewhere_with_a_compliant_logged_model(site):
    yield create(site, site.new(), "s3://anything/model", model_id=site.good[1])


@way(NOBODYS)
def bytes_elsewhere_under_the_compliant_models_id(site):
    yield create(site, site.new(), f"s3://anything/{site.good[1]}/artifacts", model_id=site.good[1])


@way(NOBODYS)
def bytes_elsewhere_that_nobody_vouches_for(site):
    yield create(site, site.new(), "gs://anything/model")


@way(NOBODYS)
def bytes_in_another_kind_of_store(site):
    yield create(site, site.new(), "dbfs:/model", run_id=site.good[0])


@way(NO_EVIDENCE)
def bytes_smuggled_among_a_compliant_runs_artifacts(site):
    for name in ("MLmodel", "model.skops"):
        with contextlib.suppress(urllib.error.HTTPError):
            data = site.artifact(f"0/models/{site.bare[1]}/artifacts/{name}")
            site.artifact(f"0/{site.good[0]}/artifacts/smuggled/{name}", "PUT", data)
    yield create(site, site.new(), f"mlflow-artifacts:/0/{site.good[0]}/artifacts/smuggled", run_id=site.good[0])


@way(NOBODYS)
def a_folder_below_the_compliant_model(site):
    below = f"mlflow-artifacts:/0/models/{site.good[1]}/artifacts/below"
    yield create(site, site.new(), below, model_id=site.good[1])


@way(NO_EVIDENCE)
def a_logged_model_made_over_rest_for_the_compliant_run(site):
    made = site.must("logged-models", experiment_id="0", name="forged", source_run_id=site.good[0])
    forged = made["model"]["info"]["model_id"]
    site.artifact(f"0/models/{forged}/artifacts/MLmodel", "PUT", b"flavors: {}\n")
    site.must(f"logged-models/{forged}", "PATCH", model_id=forged, status="LOGGED_MODEL_READY")
    yield create(site, site.new(), f"models:/{forged}", model_id=forged)


# -- copies ---------------------------------------------------------------------------------


@way(NO_EVIDENCE)
def a_copy_of_a_version_from_a_model_that_is_not_enforced(site):
    other = site.new("observed")
    site.version(other, site.bare)
    yield create(site, site.new(), f"models:/{other}/1")


@way(NO_EVIDENCE)
def a_copy_with_forged_tags(site):
    other = site.new("observed")
    site.version(other, site.bare)
    yield create(site, site.new(), f"models:/{other}/1", tags=[{"key": "aims.decision", "value": "allowed"}])


@way(NO_EVIDENCE)
def a_copy_of_a_copy(site):
    first, second = site.new("observed"), site.new("observed")
    site.version(first, site.bare)
    site.must("model-versions/create", name=second, source=f"models:/{first}/1")
    yield create(site, site.new(), f"models:/{second}/1")


# -- names, tags and prompts ----------------------------------------------------------------


@way("only the gate itself writes")
def the_gates_tags_at_creation(site):
    forged = [{"key": "aims.decision", "value": "allowed"}]
    source, more = f"models:/{site.good[1]}", {"model_id": site.good[1]}
    yield create(site, site.new(), source, tags=forged, **more)


@way("only the gate itself writes")
def the_gates_tags_in_capitals(site):
    forged = [{"key": "AIMS.Decision", "value": "allowed"}]
    yield create(site, site.new(), f"models:/{site.good[1]}", tags=forged, model_id=site.good[1])


@way("only the gate itself writes")
def the_gates_tags_on_a_new_registered_model(site):
    forged = [{"key": "aims.approval", "value": "by olga"}]
    yield lambda: site.call("registered-models/create", name=f"forged-{site.is_gated}", tags=forged)


@way("only the gate itself writes")
def the_gates_tags_set_later_on_a_version(site):
    name = site.new()
    number = site.version(name, site.good)
    yield lambda: site.call("model-versions/set-tag", name=name, version=number, key="aims.decision", value="fine")


@way("only the gate itself writes")
def the_gates_tags_set_later_on_a_model(site):
    name = site.new()
    yield lambda: site.call("registered-models/set-tag", name=name, key="aims.waiver", value="all")


@way("The approval refused")
def an_approval_that_nobody_signed(site):
    name = site.new()
    tag = {"key": f"aims.approval.{'0' * 32}", "value": '{"payload": "", "signatures": []}'}
    yield lambda: site.call("registered-models/set-tag", name=name, **tag)


@way("only the gate itself writes")
def a_version_s_waiver_mark_taken_off(site):
    name = site.new()
    number = site.version(name, site.good)
    if not site.is_gated:
        site.must("model-versions/set-tag", name=name, version=number, key="aims.decision", value="allowed, WAIVED")
    body = {"name": name, "version": number, "key": "aims.decision"}
    yield lambda: site.call("model-versions/delete-tag", "DELETE", **body)


@way("only the gate itself writes")
def a_model_that_answers_like_the_gate(site):
    body = {"name": "aims.status", "tags": [{"key": "aims.enforcement", "value": "enforce"}]}
    yield lambda: site.call("registered-models/create", **body)


@way(NO_EVIDENCE)
def a_model_hidden_in_a_prompt(site):
    name = f"posing-{site.is_gated}"
    site.must("registered-models/create", name=name, tags=IS_PROMPT)
    yield create(site, name, f"models:/{site.bare[1]}", model_id=site.bare[1])


@way(NO_EVIDENCE)
def a_model_tagged_as_a_prompt_put_into_use(site):
    """In observe mode it got in; the tag must not take it out of the rules for its alias."""
    name = site.new("observed")
    number = site.version(name, site.bare)
    site.must("registered-models/set-tag", name=name, **IS_PROMPT[0])
    site.must("model-versions/set-tag", name=name, version=number, **IS_PROMPT[0])
    if site.is_gated:
        site.change_policy(
            lambda p: p["enforcement"].append({"models": name, "stage": "deployment", "mode": "enforce"})
        )

    def ask():
        done = set_alias(site, name, number)()
        if done[0] == 200:  # the mark has served, and models:/NAME@champion loads the model again
            return site.call("registered-models/delete-tag", "DELETE", name=name, key=IS_PROMPT[0]["key"])
        return done

    yield ask
