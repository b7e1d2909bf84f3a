"""What is wrong in a YAML file is told once for each key."""

import pytest

from aims_mlflow.errors import ConfigError
from aims_mlflow.records.pack import Pack
from aims_mlflow.records.system import AimsConfig
from aims_mlflow.strict_yaml import parse

SYSTEM = "system:\n  id: loans\n  owner: me\ndata:\n  target: repaid\n"
PACK = """\
name: p
version: "1"
description: d
fairness:
  limits:
    - {metric: selection_rate_ratio, comparator: ">=", limit: 0.8, why: because}
"""


def told(text, model=AimsConfig):
    with pytest.raises(ConfigError) as caught:
        parse(text, "f").validate(model)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "model", "said"),
    [
        (SYSTEM.replace("owner", "ownr"), AimsConfig, "f:3: unknown key 'system.ownr', did you mean 'owner'?"),
        (SYSTEM.replace("target", "tarket"), AimsConfig, "f:5: unknown key 'data.tarket', did you mean 'target'?"),
        (SYSTEM.replace("system:", "sytem:"), AimsConfig, "f:1: unknown key 'sytem', did you mean 'system'?"),
        (
            PACK.replace("why", "whi"), Pack,
            "f:6: unknown key 'fairness.limits.0.whi', did you mean 'why'?",
        ),
        (SYSTEM + "  files: {images: {foldr: x}}", AimsConfig,
         "f:6: unknown key 'data.files.images.foldr', did you mean 'folder'?"),
    ],
    ids=["system", "data", "top", "pack", "files"],
)  # fmt: skip
def test_a_misspelt_key_is_told_once(text, model, said):
    """It was told as missing too, so that one mistake read as two."""
    assert told(text, model) == [said]


def test_a_key_that_is_missing_beside_an_unknown_one_is_told():
    assert told(SYSTEM.replace("owner: me", "colour: red")) == [
        "f:1: 'system.owner' is missing",
        "f:3: unknown key 'system.colour'",
    ]


def test_a_value_of_none_of_several_forms_is_told_once_by_its_key():
    (line,) = told(SYSTEM + "  sources: {x: {personal_data: 3}}")
    assert line.startswith("f:6: 'data.sources.x.personal_data': Input should be a valid boolean")
    assert line.endswith(", or must be a list: [one, two]")
