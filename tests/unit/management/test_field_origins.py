"""Each field of a document is machine-made, a person's word, both, or open."""

from aims_mlflow.management.evidence_view import EvidenceView
from aims_mlflow.management.field_origins import field_origins
from aims_mlflow.management.folder import read_folder
from aims_mlflow.management.rules.base import LintContext
from support import live_states
from support.management_folder import PEOPLE, REGISTER_ENTRY, write


def test_what_evidence_says_is_told_from_what_a_person_says_and_what_is_open(tmp_path):
    text = live_states.assessed().replace("decision: go with conditions\n", "")
    text = text.replace("{name: women,", "{name: Female,").replace("{name: men,", "{name: Male,")
    write(tmp_path, aiia=text, system=REGISTER_ENTRY, people=PEOPLE)
    view = EvidenceView(live_states.good_records(), ("run",), (), (live_states.MODEL,))
    around = LintContext(read_folder(tmp_path / "aims"), view, None, "2026-12-01")
    origins = field_origins(around.folder.find("aiia"), around)
    assert origins["groups"] == "machine"
    assert origins["assessed_use"] == "person"
    assert origins["decision"] == "open"
    more = text.replace("in_data: sex=Male}", "in_data: sex=Male, est_size: 200}")
    write(tmp_path, aiia=more)
    around = LintContext(read_folder(tmp_path / "aims"), view, None, "2026-12-01")
    assert field_origins(around.folder.find("aiia"), around)["groups"] == "machine and person"
