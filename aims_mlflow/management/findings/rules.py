"""Rules behind findings about the management system; each has one id for ever, and a finding one for each object."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from aims_mlflow.canonical import digest_of
from aims_mlflow.management.rules import rules
from aims_mlflow.records.base import Record
from aims_mlflow.strict_yaml import parse

if TYPE_CHECKING:
    from aims_mlflow.management.rules.base import Grade, Topic

REASONS = "reasons.yaml"


@dataclass(frozen=True)
class FindingRule:
    """A rule: what it asks, the control or clause that a finding counts against, and how grave it is."""

    id: str
    topic: Topic
    control: str
    grade: Grade
    title: str


_ALL = (
    FindingRule("W1", "written-documents", "7.5", "minor", "what the management folder says is published"),
    FindingRule("W2", "written-documents", "7.5", "minor", "another person approved each document"),
    FindingRule("W3", "written-documents", "7.5", "minor", "each review lies ahead, within three years; nothing ended"),
    FindingRule("W4", "written-documents", "7.5", "major", "nobody is to approve what they wrote"),
    FindingRule("W5", "written-documents", "7.5", "minor", "one document is in force for one purpose"),
    FindingRule("W6", "written-documents", "7.5", "minor", "a document states what its control needs"),
    FindingRule("W7", "written-documents", "7.5", "major", "what the standard asks to be written is there"),
    FindingRule("W8", "written-documents", "7.5", "minor", "no document applies before its approval"),
    FindingRule("W9", "written-documents", "7.5", "minor", "until when each document is kept is stated, and kept to"),
    FindingRule("S1", "inventory", "4.3", "major", "what a scan found belongs to a system, or is explained"),
    FindingRule("S2", "inventory", "4.3", "minor", "a deployed system is found where the register says"),
    FindingRule("S3", "inventory", "4.3", "major", "a system outside the scope answers no requests"),
    FindingRule("S4", "inventory", "4.3", "minor", "an entry has dated roles, an owner who is there, possible dates"),
    FindingRule("S5", "inventory", "4.3", "minor", "an entry's stage is that of ledger, scan and its days"),
    FindingRule("S6", "inventory", "4.3", "minor", "each kind of source in scope was scanned"),
    FindingRule("S7", "inventory", "4.3", "minor", "the scan is at most 30 days old"),
    FindingRule("S8", "inventory", "4.3", "major", "scope and register are the same list"),
    FindingRule("S9", "inventory", "A.9.4", "major", "no system does what the policy, its entry or a law forbids"),
    FindingRule("S10", "inventory", "4.2", "minor", "what a party needs is met by what applies"),
    FindingRule("F1", "impact", "A.5.4", "minor", "each harm, test and mitigation can be looked up"),
    FindingRule("F2", "impact", "A.5.3", "major", "an assessment would not fit another system"),
    FindingRule("F3", "impact", "A.5.3", "major", "each citation leads to evidence that bears it"),
    FindingRule("F4", "impact", "A.5.4", "major", "each figure is the value of its evidence"),
    FindingRule("F5", "impact", "A.5.4", "minor", "groups of the text and of the data are the same"),
    FindingRule("F6", "impact", "A.5.4", "major", "each missed limit, and each group left out, is a harm"),
    FindingRule("F7", "impact", "A.5.3", "minor", "a measure is done in time, with later evidence on what is in use"),
    FindingRule("F8", "impact", "A.5.3", "major", "an assessment is about the version in use"),
    FindingRule("F9", "impact", "A.5.3", "major", "an assessment is about the data of the version in use"),
    FindingRule("F10", "impact", "A.5.3", "major", "what an assessment decides is what is done"),
    FindingRule("F11", "impact", "A.5.3", "minor", "whom an assessment names is an interested party"),
    FindingRule("F12", "impact", "A.5.3", "minor", "somebody assesses a system who did not train it"),
    FindingRule("F13", "impact", "A.5.2", "minor", "a misuse that the register expects is assessed"),
    FindingRule("F14", "impact", "A.5.2", "minor", "an assessment precedes the use, and is made again in time"),
    FindingRule("C1", "documentation", "A.6.2.7", "major", "the model card is about the bytes in use"),
    FindingRule("C2", "documentation", "A.6.2.7", "minor", "the card was there when the version was registered"),
    FindingRule("C3", "documentation", "A.6.2.7", "minor", "the card states what deployers need, or a document does"),
    FindingRule("C4", "documentation", "A.6.2.7", "major", "each figure about the version is what its evidence says"),
    FindingRule("C5", "documentation", "A.6.2.7", "minor", "the card's inputs are those of the signature"),
    FindingRule("C6", "documentation", "A.8.2", "major", "users are told failures, gaps, waivers and residual risks"),
    FindingRule("C7", "documentation", "A.6.2.7", "minor", "the card has each group and each metric of the evidence"),
    FindingRule("C8", "documentation", "A.6.2.6", "minor", "what is monitored lies within the card's interval"),
    FindingRule("C9", "documentation", "A.6.2.7", "minor", "what changed is written, and praise has a figure"),
    FindingRule("C10", "documentation", "A.8.2", "major", "what users are told is about the version in use"),
    FindingRule("C11", "documentation", "A.6.2.7", "minor", "who a card is about is as before, or a change says so"),
    FindingRule("L1", "lifecycle", "A.6.2.5", "major", "one can go back to the version that the plan names"),
    FindingRule("L2", "lifecycle", "A.6.2.6", "major", "each planned run of the monitor was made"),
    FindingRule("L3", "lifecycle", "A.6.2.2", "major", "required limits are measured, and no looser ones decided"),
    FindingRule("L4", "lifecycle", "10.2", "major", "an incident closes on a test of the version in use, and in time"),
    FindingRule("L5", "lifecycle", "10.2", "major", "a cause names what has to change, and does not come back"),
    FindingRule("L6", "lifecycle", "10.2", "minor", "an action is done in time, and its effect checked by another"),
    FindingRule("L7", "lifecycle", "9.1", "minor", "each measurement has a limit or target that can be missed"),
    FindingRule("L8", "lifecycle", "A.8.4", "major", "users are told of an incident in time"),
    FindingRule("L9", "lifecycle", "6.2", "minor", "an objective of high priority has a limit"),
    FindingRule("L10", "lifecycle", "A.6.2.6", "major", "somebody judged each run beyond a limit in time"),
    FindingRule("L11", "lifecycle", "A.6.2.4", "major", "another than the trainer found the version in use fit"),
    FindingRule("L12", "lifecycle", "A.8.5", "minor", "what was disclosed answers a duty that was determined"),
    FindingRule("L13", "lifecycle", "A.4.2", "minor", "data and steps of the version in use are those that are listed"),
    FindingRule("L14", "lifecycle", "A.6.2.8", "minor", "logs are kept until somebody looked at them"),
    FindingRule("L15", "lifecycle", "A.7.4", "minor", "a requirement on data is of its own column, and can be missed"),
    FindingRule("L16", "lifecycle", "A.6.2.6", "minor", "a run of the monitor sees as many rows as the plan asks for"),
    FindingRule("L17", "lifecycle", "A.6.2.6", "major", "a run of the monitor compares with its version's baseline"),
    FindingRule("T1", "third-party", "A.10.3", "major", "a component has a supplier's document besides terms"),
    FindingRule("T2", "third-party", "A.10.3", "major", "a component was tested by us on the system's own use"),
    FindingRule("T3", "third-party", "A.10.3", "major", "the version that was tested is the one in use"),
    FindingRule("T4", "third-party", "A.10.3", "minor", "the test is on enough own data, with n and verdicts"),
    FindingRule("T5", "third-party", "A.10.3", "major", "certificates are in date, another's word, for this service"),
    FindingRule("T6", "third-party", "A.10.3", "minor", "the version is pinned, or the contract announces changes"),
    FindingRule("T7", "third-party", "A.10.2", "minor", "each duty has exactly one accountable party"),
    FindingRule("T8", "third-party", "A.10.3", "minor", "our own test of a component is at most a year old"),
    FindingRule("T9", "third-party", "A.10.3", "major", "licences and rights allow the use that is made"),
    FindingRule("T10", "third-party", "A.10.4", "minor", "each customer need is in a requirement"),
    FindingRule("T11", "third-party", "A.10.3", "major", "our own test lets a component be used that is in use"),
    FindingRule("I1", "internal-audit", "9.2", "major", "auditors audit nothing of their own"),
    FindingRule("I2", "internal-audit", "9.2", "major", "the team has the competence that the scope needs"),
    FindingRule("I3", "internal-audit", "9.2", "minor", "clauses, controls and systems are audited within the cycle"),
    FindingRule("I4", "internal-audit", "9.2", "minor", "a sample can be drawn again"),
    FindingRule("I5", "internal-audit", "9.2", "minor", "a finding has owner, day and cause, and is closed in time"),
    FindingRule("I6", "internal-audit", "9.2", "minor", "the audit is newer than the statement and major changes"),
    FindingRule("I7", "internal-audit", "9.2", "minor", "an audit is reported to management"),
    FindingRule("P1", "applicability", "6.1.3", "major", "each of the 38 controls has a decision"),
    FindingRule("P2", "applicability", "6.1.3", "major", "each decision has a reason"),
    FindingRule("P3", "applicability", "6.1.3", "major", "no exclusion contradicts the register"),
    FindingRule("P4", "applicability", "6.1.3", "major", "a control that a risk needs applies"),
    FindingRule("P5", "applicability", "6.1.3", "minor", "a control that applies has a risk, an objective or a law"),
    FindingRule("P6", "applicability", "6.1.3", "minor", "a reason is a control's own"),
    FindingRule("P7", "applicability", "6.1.3", "major", "who may accepts what is left of a risk"),
    FindingRule("P8", "applicability", "6.1.3", "minor", "the statement is newer than systems and risks"),
    FindingRule("P9", "applicability", "6.1.3", "minor", "a decision is reviewed in time, and rests on what is there"),
    FindingRule("K1", "leadership", "5.3", "major", "who approves or trains, or has a key for it, holds that duty"),
    FindingRule("K2", "leadership", "A.3.2", "minor", "a system in use has exactly one person for each duty"),
    FindingRule("K3", "leadership", "7.2", "minor", "evidence of competence is of somebody who is there"),
    FindingRule("K4", "leadership", "5.3", "minor", "whoever is named for a duty is there"),
    FindingRule("K5", "leadership", "A.2.2", "minor", "the policy in force was told, and is reviewed in time"),
    FindingRule("K6", "leadership", "7.2", "minor", "who signed was there that day, and shown to be competent"),
    FindingRule("K7", "leadership", "A.3.2", "minor", "who answers for training or approving has a key for it"),
    FindingRule("K8", "leadership", "A.3.2", "major", "who trains a system is not to judge it"),
    FindingRule("R1", "risk", "6.1.3", "minor", "a treatment has owner, day and control, and is not overdue"),
    FindingRule("R2", "risk", "6.1.3", "major", "a risk closes on a passed, later test of the version in use"),
    FindingRule("R3", "risk", "6.1.2", "major", "each failed result and each incident is a risk"),
    FindingRule("R4", "risk", "6.1.2", "minor", "each system has risks: by the method, on records that exist, in time"),
    FindingRule("R5", "risk", "6.1.2", "minor", "a risk states what happens by what, in words of its system"),
    FindingRule("O1", "use", "A.9.2", "major", "reviews by people that were promised were made"),
    FindingRule("O2", "use", "A.8.3", "minor", "outsiders are answered, and their channel is tested each year"),
    FindingRule("O3", "use", "A.9.2", "minor", "who watches over a system holds a duty for it"),
    FindingRule("O4", "use", "A.9.3", "minor", "an objective of use is reached or acted on, and looked at each year"),
    FindingRule("M1", "management-review", "9.3", "major", "a management review is told all that clause 9.3 asks for"),
    FindingRule("M2", "management-review", "9.3", "major", "top management reviews, and decides with owner and day"),
    FindingRule("M3", "management-review", "9.3", "minor", "a management review is held when it is due"),
    FindingRule("M4", "management-review", "9.3", "minor", "what a review decided is carried out in time"),
    FindingRule("M5", "management-review", "9.3", "major", "what was written for a review is what the ledger has"),
)  # fmt: skip
# What lint alone finds is a finding of published documents too, under the id of its rule.
LINT_RULES = {rule.id: rule for rule in rules().values() if rule.finding is not None}
RULES = {rule.id: rule for rule in _ALL} | {
    rule.id: FindingRule(rule.id, rule.finding.topic, rule.finding.control, rule.finding.grade, rule.title)
    for rule in LINT_RULES.values()
    if rule.finding is not None
}


class RuleReason(Record):
    """Why what a rule finds is a finding, and how it is mended."""

    why: str
    fix: str


@functools.cache
def rule_reasons() -> dict[str, RuleReason]:
    """Return the reason of every rule, by its id."""
    text = resources.files("aims_mlflow.management.findings").joinpath(REASONS).read_text(encoding="utf-8")
    own = {name: RuleReason.model_validate(said) for name, said in parse(text, REASONS).data.items()}
    return own | {rule.id: RuleReason(why=rule.why, fix=rule.fix) for rule in LINT_RULES.values()}


@dataclass(frozen=True)
class ManagementFinding:
    """Something that an auditor would find.

    Attributes:
        rule: Id of its rule.
        about: What it is about; with the rule it makes the finding's id.
        fact: What was found, with the values.
        fix: The command or the field that mends it.
        system: The system that it is about; None for the organisation.
        evidence: Ids of the documents and records behind it.
        against: Control or clause that it counts against, where that is another than its rule's.
    """

    rule: str
    about: str
    fact: str
    fix: str
    system: str | None = None
    evidence: tuple[str, ...] = ()
    against: str | None = None

    @property
    def control(self) -> str:
        """The control or clause that it counts against."""
        return self.against or self.of.control

    @property
    def id(self) -> str:
        """Its id: the same on every run, whatever its fact says by then."""
        return digest_of([self.rule, self.about])

    @property
    def of(self) -> FindingRule:
        """Its rule."""
        return RULES[self.rule]

    def plain(self) -> dict[str, object]:
        """Return the finding as JSON values."""
        return {
            "id": self.id, "rule": self.rule, "severity": self.of.grade, "control": self.control,
            "system": self.system, "about": self.about, "fact": self.fact, "evidence": list(self.evidence),
            "fix": self.fix,
        }  # fmt: skip
