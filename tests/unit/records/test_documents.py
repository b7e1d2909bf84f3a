"""Each kind that people write has a model, with few fields to publish it and a question on each that *met* needs."""

import pytest

from aims_mlflow.catalog.loader import kinds
from aims_mlflow.errors import ConfigError
from aims_mlflow.gates.person_statements import says
from aims_mlflow.records.documents import KINDS, document_model, entry_model, is_needed, missing_for_met, stated_fields

# Signed by commands of their own, and bound to a model or a document.
SIGNED = {"audit-sample", "approval", "waiver", "document-approval", "document-review", "document-withdrawal"}
LEAST = {"id": "x", "title": "t", "owner": "o", "author": "a", "system": "s"}


def models_of(model):
    yield model
    for field in model.model_fields.values():
        inner = entry_model(field)
        if inner is not None:
            yield from models_of(inner)


def test_every_kind_that_people_write_has_a_model():
    assert set(KINDS) == {k for k, v in kinds().items() if v.captured == "human"} - SIGNED


@pytest.mark.parametrize("kind", KINDS)
def test_few_fields_publish_a_document_and_the_rest_is_named_as_an_auditor_asks(kind):
    written = KINDS[kind].model_validate({**LEAST, "kind": kind})
    lacking = missing_for_met(kind, stated_fields(written), says)
    assert lacking
    assert all(len(question) > 5 for _, question in lacking)
    with pytest.raises(ValueError, match="surprise"):
        KINDS[kind].model_validate({**LEAST, "kind": kind, "surprise": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_entry_says_what_it_is(kind):
    bare = [f"{m.__name__}.{n}" for m in models_of(KINDS[kind]) for n, f in m.model_fields.items() if not f.description]
    assert bare == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_about_a_system_where_the_catalog_says_so(kind):
    about = {"system": "system", "model": "system", "organization": "organisation"}
    # One file of these is about one system or about all of them.
    either = {
        "audit-report", "corrective-action", "effectiveness-check", "measurement-plan", "nonconformity",
        "provenance-process", "risk-register", "treatment-plan", "use-process",
    }  # fmt: skip
    assert ("either" if kind in either else about[kinds()[kind].subject]) == KINDS[kind].ABOUT


def test_what_is_missing_is_named_down_to_the_entry():
    fields = {"groups": [{"name": "women"}, {"name": "children", "not_in_data": "adults alone apply"}]}
    paths = [p for p, _ in missing_for_met("impact-people", fields, says)]
    assert ("groups", 0, "in_data") in paths
    assert ("groups", 1, "in_data") not in paths
    assert ("impacts",) in paths
    assert is_needed(KINDS["impact-people"].model_fields["impacts"])


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'ai-policy'"):
        document_model("ai_polcy")
