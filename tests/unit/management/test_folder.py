"""Files that people write are read as documents, and what is wrong with one has its file and line."""

import hashlib

import pytest

from aims_mlflow.errors import ConfigError, Unreachable
from aims_mlflow.management.folder import find_folder, read_folder
from support.management_folder import POLICY, SYSTEM, write


def problems(folder):
    return [p.sentence() for u in read_folder(folder).unreadable for p in u.problems]


def test_markdown_with_front_matter_and_yaml_alone_are_documents(tmp_path):
    root = write(tmp_path, policy=POLICY, system=SYSTEM)
    found = read_folder(root)
    policy, system = found.find("ai-policy"), found.find("document:income-screening")
    assert found.unreadable == ()
    assert policy.written.text.strip().startswith("# AI policy")
    assert (policy.text_line, policy.line("prohibited")) == (14, 11)
    assert policy.fields["applies_to"] == ["all systems and everyone who builds or uses them"]
    assert policy.sha256 == hashlib.sha256((root / "policy.md").read_bytes()).hexdigest()
    assert system.line("affected_groups", 0, "in_data") == 13
    assert system.fields["roles"] == [{"role": "deployer", "since": "2026-01-01"}]
    assert [d.id for d in found.of("system", "income-screening")] == ["income-screening"]
    assert found.of("system", "churn") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POLICY.replace("principles:", "principle:"), "policy.md:9: unknown key 'principle', did you mean 'principles'?"),
        (POLICY.replace("owner: max\n", ""), "policy.md:2: 'owner' is missing"),
        (POLICY.replace("2027-06-30", "2027-02-30"), "policy.md:8: 'review_by'"),
        (POLICY.replace("kind: ai-policy", "kind: ai-polcy"), "policy.md:3: 'ai-polcy' is no kind of document, did you mean 'ai-policy'?"),
        (POLICY.replace("kind: ai-policy\n", ""), "policy.md:1: 'kind' is missing"),
        (POLICY.replace("---\n\n#", "\n\n#"), "policy.md:1: the front matter does not end"),
        (POLICY.replace("id: ai-policy", "id: a\nid: b"), "policy.md:3: not valid YAML: the key 'id' stands twice"),
        (POLICY.replace("author: rita", "author: rita\nsupersedes: 1"), "reason_for_change is missing"),
        (POLICY.replace("principles: [", "principles: [yes, "), "'principle 1 (principles[0])': put yes, no, true and false in quotes"),
    ],
)  # fmt: skip
def test_each_fault_is_said_with_file_and_line(tmp_path, text, said):
    found = problems(write(tmp_path, policy=text))
    assert any(said in line for line in found), found


def test_a_document_about_a_system_names_it(tmp_path):
    assert "system is missing" in problems(write(tmp_path, system=SYSTEM.replace("\nsystem: income-screening", "")))[0]


def test_what_is_no_text_and_what_has_no_front_matter_is_said(tmp_path):
    root = write(tmp_path)
    (root / "a.md").write_bytes(b"\xff\xfe\x00")
    (root / "b.md").write_text("# Minutes\n")
    (root / "README.md").write_text("# What is here\n")
    assert [p.partition("/aims/")[2].partition(". Next")[0] for p in problems(root)] == [
        "a.md:1: the file is not UTF-8 text",
        "b.md:1: there is no front matter",
    ]


def test_an_id_that_two_files_have_finds_neither(tmp_path):
    folder = read_folder(write(tmp_path, policy=POLICY, again=POLICY))
    with pytest.raises(ConfigError, match="several documents have the id 'ai-policy'"):
        folder.find("ai-policy")
    with pytest.raises(ConfigError, match="there is no document 'soa'"):
        folder.find("soa")


def test_the_folder_is_found_upwards_and_a_python_package_is_none(tmp_path, monkeypatch):
    root = write(tmp_path, policy=POLICY)
    inner = tmp_path / "src" / "aims"
    inner.mkdir(parents=True)
    (inner / "__init__.py").touch()
    monkeypatch.chdir(inner.parent)
    assert find_folder() == root
    monkeypatch.setenv("AIMS_FOLDER", str(inner))
    assert find_folder() == inner
    monkeypatch.setenv("AIMS_FOLDER", str(tmp_path / "nowhere"))
    with pytest.raises(Unreachable, match="no such folder"):
        find_folder()
