"""Forms that a law asks for are made from the same records, and tell evidence, a person's word and what is open apart."""

import re

import pytest

from aims_mlflow.errors import ConfigError
from aims_mlflow.management.draft import drafted, new_draft
from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.folder import FolderDocument, parse_document, read_folder
from aims_mlflow.management.legal_forms import FORMS, as_table, point_origins
from aims_mlflow.management.lint import lint
from aims_mlflow.management.publication import citations_of
from aims_mlflow.management.rules.base import LintContext
from support import live_states
from support.management_folder import PEOPLE, REGISTER_ENTRY, write

SYSTEM = live_states.SYSTEM
TODO = re.compile(r"^  # TODO (\w+): .*$", re.MULTILINE)


def around(folder, **files):
    write(folder, **files)
    records = live_states.good_records()
    view = EvidenceView(records, ("run",), (), (live_states.MODEL,))
    return LintContext(read_folder(folder / "aims"), view, None, "2026-12-01")


@pytest.fixture
def context(tmp_path):
    return around(tmp_path, aiia=live_states.assessed(), system=REGISTER_ENTRY, people=PEOPLE)


def answered(path, text):
    """Write the draft with an answer in each gap, as a person would."""
    path.write_text(TODO.sub(r"  \1: [olga answers this for income screening]", text))


def rules(context, document):
    return {r.rule.id for r in lint(context, [document]) if r.rule.severity == "error"}


def test_the_fria_joins_the_impact_assessment_and_lint_and_publication_take_it(context, tmp_path):
    before = rules(context, "aiia")
    path, text = drafted("impact-assessment", SYSTEM, "rita", context, "fria")
    assert path == tmp_path / "aims" / "aiia.md"
    asked = TODO.findall(text)
    assert set(asked) == {"oversight", "who_must"}
    path.write_text(text)
    assert "D2" in rules(around(tmp_path), "aiia")
    answered(path, text)
    context = around(tmp_path)
    assert rules(context, "aiia") == before
    found = context.folder.find("aiia")
    cited = citations_of(found, context)
    assert {c.name for c in cited} >= {"e1"}
    assert found.fields["rights"]["harms"][0] == "I1, sex=Female: a lower score puts women last (grave, likely)"


def test_a_figure_of_a_form_that_is_not_the_value_of_its_evidence_is_refused(tmp_path):
    context = around(tmp_path, system=REGISTER_ENTRY, people=PEOPLE)
    path, text = drafted("user-information", SYSTEM, "rita", context, "instructions")
    figure = re.search(r"is (0\.\d+)\[\^(u\d+)\]", text)
    assert figure, text
    path.write_text(text)
    shown = {c.name: c.shown for c in citations_of(around(tmp_path).folder.find(path.stem), context)}
    assert shown[figure[2]] == figure[1]
    assert not [r for r in lint(around(tmp_path), [path.stem]) if r.rule.id == "G3A"]
    path.write_text(text.replace(figure[0], f"is 0.123[^{figure[2]}]"))
    said = [r.text for r in lint(around(tmp_path), [path.stem]) if r.rule.id == "G3A"]
    assert any(text.startswith(f"[^{figure[2]}] 0.123 is shown, the evidence says") for text in said)


def test_each_point_is_machine_made_a_persons_word_with_its_document_or_open(context, tmp_path):
    path, text = drafted("technical-documentation", SYSTEM, "rita", context, "annex-iv")
    path.write_text(text)
    context = around(tmp_path)
    points = {p.point: p for p in point_origins(context.folder.find(path.stem), context)["annex-iv"]}
    assert list(points) == list(FORMS["annex-iv"].points)[:6] + ["standards", "declaration", "post_market"]
    control = points["monitoring_and_control"]
    assert any("selection-rate ratio of sex=Female is" in text for text in control.machine)
    assert points["general_description"].person[0] == ("Income screening", SYSTEM)
    assert points["declaration"].open
    assert "EU declaration of conformity" in points["declaration"].sentence
    own = text.replace("- Income screening\n", "- Income screening 2.0 as rita knows it\n")
    path.write_text(own)
    context = around(tmp_path)
    described = point_origins(context.folder.find(path.stem), context)["annex-iv"][0]
    assert described.person[0] == ("Income screening 2.0 as rita knows it", path.stem)
    table = as_table(points.values()).splitlines()
    assert len(table) == 2 + len(points)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in table)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_which_nothing_is_known_is_a_document_with_its_questions(name, tmp_path):
    write(tmp_path)
    empty = LintContext(read_folder(tmp_path / "aims"), EvidenceView(), None, "2026-12-01")
    form = FORMS[name]
    file, text = new_draft(form.kind, SYSTEM, "rita", empty, name)
    found = parse_document(text.encode(), tmp_path / file)
    assert isinstance(found, FolderDocument), found
    assert found.written.kind == form.kind
    model = type(found.written).model_fields[form.field]
    assert model.description.endswith(f"`{name}`")
    assert len(TODO.findall(text)) >= 7


def test_a_form_stands_in_one_document_once(context, tmp_path):
    with pytest.raises(ConfigError, match="is part of a document of kind impact-assessment"):
        drafted("user-information", SYSTEM, "rita", context, "fria")
    with pytest.raises(ConfigError, match="'frai' is no form, did you mean 'fria'"):
        drafted("impact-assessment", SYSTEM, "rita", context, "frai")
    path, text = drafted("impact-assessment", SYSTEM, "rita", context, "fria")
    path.write_text(text)
    with pytest.raises(ConfigError, match="has rights already"):
        drafted("impact-assessment", SYSTEM, "rita", around(tmp_path), "fria")
    (tmp_path / "aims" / "second.md").write_text(live_states.assessed().replace("id: aiia", "id: second"))
    with pytest.raises(ConfigError, match="several documents could have the form fria: aiia, second"):
        drafted("impact-assessment", SYSTEM, "rita", around(tmp_path), "fria")
