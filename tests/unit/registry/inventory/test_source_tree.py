"""A source tree tells which AI libraries and model files it has, and what of it was not read."""

import json

import pytest

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.registry.inventory import source_tree, vendor_list


def tree(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def libraries(folder):
    return {i.id: i for i in source_tree.read(folder).items if i.kind == "import"}


def test_imports_count_by_their_longest_root(tmp_path):
    tree(
        tmp_path,
        a_dot_py="from google.genai import types\nimport google.cloud.storage\nfrom google import generativeai\n",
        b__c_dot_py="import sklearn.linear_model as lm\nfrom . import openai\nfrom .anthropic import x\n",
        d_dot_py="def late():\n    from openai import OpenAI\n",
    )
    found = libraries(tmp_path)
    assert set(found) == {"google-genai", "scikit-learn", "openai"}
    assert found["openai"].facts == {"use": "provider", "files": "d.py"}
    assert found["scikit-learn"].volume == 1


def test_dependencies_and_notebooks_count_too(tmp_path):
    cell = {"cell_type": "code", "source": ["%pip install x\n", "import cohere"]}
    tree(
        tmp_path,
        requirements_dot_txt="# openai\nMistral_AI==1\nnumpy\nlight-gbm\n",
        web__package_dot_json=json.dumps({"dependencies": {"@anthropic-ai/sdk": "1", "react": "1"}}),
        pyproject_dot_toml='[project]\ndependencies = ["litellm>=1"]\n[dependency-groups]\ndev = ["torch"]\n',
        n_dot_ipynb=json.dumps({"cells": [cell, {"cell_type": "markdown", "source": "import openai"}]}),
    )
    assert set(libraries(tmp_path)) == {"anthropic", "litellm", "torch", "cohere"}


def test_model_files_are_found_and_installed_packages_are_not(tmp_path):
    tree(
        tmp_path, models__old_dot_pkl="x", _dot_venv__lib_dot_py="import openai", node_modules__a_dot_py="import torch"
    )
    content = source_tree.read(tmp_path)
    assert [(i.kind, i.id) for i in content.items] == [("model file", "models/old.pkl")]
    assert ".venv, node_modules" in content.left_out


def test_what_cannot_be_parsed_is_counted(tmp_path):
    tree(tmp_path, bad_dot_py="import openai\nprint 1", deep_dot_py="(" * 3000, package_dot_json="[")
    content = source_tree.read(tmp_path)
    assert content.items == ()
    assert "3 files that could not be read or parsed" in content.left_out


def test_a_folder_that_is_not_there_is_no_empty_tree(tmp_path):
    with pytest.raises(Unreachable, match="no such folder"):
        source_tree.read(tmp_path / "gone")


def test_a_vendor_list_in_a_spreadsheets_csv(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("\ufeffProduct;Vendor;Used by\nCopilot;Microsoft;all, and more\n", encoding="utf-8")
    (item,) = vendor_list.read(path).items
    assert (item.id, item.names) == ("Copilot", ("Copilot", "Microsoft/Copilot"))
    assert item.facts == {"vendor": "Microsoft", "used by": "all, and more"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,vendor\na,b\n", "no column 'product'"),
        (b"", "its columns are none"),
        (b"product,vendor\nA,b\n,c\n", "names no product"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_list_of_another_shape_is_refused_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "v.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        vendor_list.read(path)


SKILL = """---
name: refusal-letters
description: Drafts the letter
  about a refusal.
model: gpt-4o
allowed-tools: [Read, Bash]
---

# Refusal letters
"""


def test_skills_and_the_models_that_they_ask_for_are_found(tmp_path):
    tree(tmp_path, skills__letters__SKILL_dot_md=SKILL, skills__plain__skill_dot_md="# No front matter\n")
    skill, asked, plain = source_tree.read(tmp_path).items
    assert (skill.kind, skill.id, skill.facts["may use"]) == ("skill", "skills/letters", "Read, Bash")
    assert skill.names == ("skills/letters", "refusal-letters", f"{tmp_path.name}/skills/letters")
    assert skill.facts["description"] == "Drafts the letter about a refusal."
    assert (asked.kind, asked.id, asked.facts["in the skill"]) == ("provider", "gpt-4o", "skills/letters")
    assert (plain.kind, plain.id) == ("skill", "skills/plain")


def test_configured_mcp_servers_are_found_and_their_secrets_are_not_kept(tmp_path):
    servers = {"ledger": {"command": "npx", "env": {"TOKEN": "secret"}}, "crm": {"url": "https://crm.example.org/mcp"}}
    tree(tmp_path, _dot_mcp_dot_json=json.dumps({"mcpServers": servers}), mcp_dot_json=json.dumps({"servers": []}))
    found = source_tree.read(tmp_path).items
    assert [(i.kind, i.names[1], i.facts["starts"]) for i in found] == [
        ("MCP server", "ledger", "npx"), ("MCP server", "crm", "https://crm.example.org/mcp"),
    ]  # fmt: skip
    assert "secret" not in "".join(i.model_dump_json() for i in found)


@pytest.mark.parametrize("text", ["---\nname: [\n---\n", "---\n- a list\n---\n", "---\nname: never ends\n"])
def test_a_skill_that_cannot_be_read_is_counted(tmp_path, text):
    tree(tmp_path, a__SKILL_dot_md=text, b__dot_mcp_dot_json="[", _dot_mcp_dot_json="[")
    content = source_tree.read(tmp_path)
    assert content.items == ()
    assert "2 files that could not be read or parsed" in content.left_out
