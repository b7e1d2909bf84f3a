"""docs/evidence-format.md says what the models say."""

import runpy
from pathlib import Path

from aims_mlflow.records.details import KINDS
from aims_mlflow.records.leaves import CONTENTS, body_model

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_printed_from_the_models():
    page = runpy.run_path(str(DOCS / "make_evidence_format.py"))["page"]()
    assert (DOCS / "evidence-format.md").read_text(encoding="utf-8") == page, (
        "python docs/make_evidence_format.py > docs/evidence-format.md"
    )


def test_every_field_has_a_meaning():
    models = [*KINDS.values(), *CONTENTS.values(), *(body_model(name) for name in CONTENTS)]
    lacking = {
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description and name not in ("type", "model_name")
    }
    assert lacking == set()
    assert [model.__name__ for model in KINDS.values() if not model.SUBJECTS] == []
