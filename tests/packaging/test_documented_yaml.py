"""Each YAML example in the documentation is read by the model of the file that it is a part of."""

import re
from pathlib import Path

import pytest

from aims_mlflow.capture.data_steps import EXPECTED
from aims_mlflow.gates.policy import default_policy_text
from aims_mlflow.management.folder import FolderDocument, parse_document
from aims_mlflow.management.lint import SetAsideList
from aims_mlflow.records.documents.risk import RiskRegisterDocument
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.policy import Policy
from aims_mlflow.records.system import AimsConfig
from aims_mlflow.strict_yaml import Document, parse

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "checks").glob("*.md")])
FENCE = re.compile(r"^```yaml[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(block[1], id=f"{page.relative_to(ROOT)}:{page.read_text().count(chr(10), 0, block.start()) + 2}")
    for page in PAGES
    for block in FENCE.finditer(page.read_text())
]
# An example is often a part of its file; the rest of the smallest valid file is beside its model.
FILES = (
    (AimsConfig, {"system": {"id": "s", "owner": "o"}, "data": {"target": "y"}}),
    (Pack, {"name": "p", "version": "1", "description": "d"}),
    (Policy, parse(default_policy_text(), "policy.yaml").data),
    (SetAsideList, {}),
    (RiskRegisterDocument, {"id": "r", "kind": "risk-register", "title": "t", "owner": "o", "author": "a"}),
)


def whole(part, least):
    """Return the part of a file with what the smallest valid file has beside it."""
    if not isinstance(part, dict) or not isinstance(least, dict):
        return part
    return {**least, **{key: whole(value, least.get(key)) for key, value in part.items()}}


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_valid(text):
    if text.startswith("---\n"):
        assert isinstance(parse_document(text.encode(), Path("example.md")), FolderDocument)
        return
    found = parse(text, "example")
    ((model, least),) = (file for file in FILES if set(found.data) <= set(file[0].model_fields))
    Document(whole(found.data, least), found.lines, found.name).validate(model)


def test_the_example_of_a_source_states_all_that_is_asked_of_one():
    """An audit asks for each; the example lacked the reason for which the data were selected."""
    page = (ROOT / "docs" / "how-to" / "describe-a-system.md").read_text()
    stated = [parse(text, "example").data for text in FENCE.findall(page) if "sources:" in text]
    assert [name for name in (*EXPECTED, "purpose", "retention", "personal_data") if name not in str(stated)] == []
