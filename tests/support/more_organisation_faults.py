"""Faults in what the management system of the example organisation lacks, each with exactly what is found then."""

from support.organisation_faults import BOUGHT, ENTRY, LIVE, REPORT, SOA
from support.planted_documents import COMMON, REVIEWED

HEAD = "owner: olga\nauthor: rita\nreview_by: 2028-01-31\nretention_until: 2036-01-31\nsystem: loan-screening\n"
SERIOUS = f"""id: incident-1
kind: incident
title: A letter hid the reason
{HEAD}detected: a complaint
detected_on: 2025-01-10
aware_on: 2025-08-10
harm: {{kind: a person died}}
serious: "no"
serious_reason: the letter was right
root_cause: {{cause: a column was renamed upstream}}
risks: [R1]
status: open
actions: [K99]
"""
HELD = (
    """id: minutes
kind: review-minutes
title: What the board decided
"""
    + COMMON
    + """date: 2026-07-01
attendees: [max]
top_management: [max]
inputs: review-inputs
decisions:
  - {decision: a second data scientist is hired, owner: olga, due: 2026-09-30,
     about: [earlier_actions, context_changes, nonconformities, monitoring, audits, objectives, incidents, opportunities]}
next: 2028-07-01
"""
)
MORE_PLANTED = {
    "documents that nobody wrote": (
        [
            ("measurement.yaml",), ("policy-told.yaml",), ("requirements-loan-screening.yaml",),
            ("quality-loan-screening.yaml",), ("use-process.md",), ("use-loan-screening.md",),
            ("objectives-letter-assistant.yaml",), ("channel-letter-assistant.md",), ("told-loan-screening.yaml",),
            ("told-letter-assistant.yaml",), ("minutes.yaml",),
            ("incident-plan-letter-assistant.yaml",), ("tell-letter-assistant.yaml",), ("use-letter-assistant.md",),
            ("ai-policy.md", r"effective_from: \S+", "effective_from: 2023-01-31"),
            ("policy-review.yaml",),
            (ENTRY, r"operation: [^}]*", "operation: 2026-01-31"),
            ("context.yaml", r"retention_until: \S+", "retention_until: 2026-01-31"),
            ("life-cycle.md", r"retention_until: \S+\n", ""),
        ],
        ["K5 ai-policy/review", "L12 duties-to-tell/that a high-risk system is used about them/open", "M3 review", "P9 A.2.2", "P9 A.2.4", "P9 A.6.2.2", "P9 A.7.4", "P9 A.8.5",
         *(f"W7 letter-assistant/{k}" for k in ("development-objectives", "disclosure-duties",
           "incident-communication-plan", "intended-use", "report-channel", "use-process")),
         *(f"W7 loan-screening/{k}" for k in ("intended-use", "quality-requirements", "requirements", "use-process")),
         "W7 communication", "W7 measurement-plan", "W9 context", "W9 retention"],
    ),
    "decisions without reason, owner and basis": (
        [
            (SOA, r"(control: A\.2\.2\n(?:    .*\n)+?)    owner: max\n", r"\1"),
            (SOA, r"(control: A\.2\.3\n(?:    .*\n)+?)    review: \S+\n", r"\1"),
            (SOA, r"(control: A\.4\.2\n(?:    .*\n)+?)    implemented: .*\n", r"\1"),
            (SOA, r"(control: A\.10\.4\n    applies: false\n    reason: )[^\0]*?(\n    basis)", r"\1not applicable to us\2"),
            (SOA, r"(control: A\.5\.5\n(?:    .*\n)+?    basis: ).*", r"\1[acountability]"),
            (SOA, r"(?m)^residual_risks: .*\n", ""),
            ("treatment-plan.yaml", r"controls: \[A.6.2.6\]", "controls: [A.6.2.6, A.10.4]"),
            (ENTRY, r"(Annex III 5\(b\), creditworthiness of people\", checked_on: (\S+))\}", r"\1, changed_on: \2}"),
            (SOA, r"effective_from: \S+", "effective_from: 2026-01-31"),
            ("policy-review.yaml", r"(?m)^date: \S+\n", "date: 2021-01-31\n"),
            ("policy-review.yaml", r"next: \S+", ""),
            ("policy-review.yaml", "by: max", "by: ana"),
        ],
        ["K5 policy-review", "K5 policy-review/by", "K5 policy-review/system-loan-screening", "P2 A.10.4", "P4 R2/A.10.4",
         "P5 A.5.5/basis", "P8 AI Act", "P8 branch-visits", "P8 letter-assistant", "P8 loan-screening", "P8 risks",
         "P9 soa/implemented", "P9 soa/owner", "P9 soa/residual_risks", "P9 soa/review"],
    ),
    "incidents, audits, reports and people": (
        [
            ("incident.yaml", None, SERIOUS),
            (REPORT, "grade: observation", "grade: major"),
            (REPORT, "author: eva", "author: olga"),
            (REPORT, "reported_to: max", "reported_to: ana"),
            ("roles-loan-screening.yaml", "duty: train, person: ana", "duty: train, person: ana, responsible: [olga]"),
            ("competence-ana.yaml", "assessor: olga", "assessor: ana"),
            ("competence-rita.yaml", r"requirement: .*", "requirement: cooking"),
            ("release-loan-screening.yaml", "who_may_stop: olga", "who_may_stop: rita"),
            ("roles.yaml", "deputy: max", "deputy: olga"),
            ("channel-loan-screening.md", "target_days: 10", "target_days: 400"),
            ("reports-letter-assistant.yaml", r"reports: \[\]",
             "reports: [{id: P1, from: outside, received: 2026-01-10, answered: 2026-05-10, triage: {by: olga}}]"),
            (BOUGHT, "since: 2026-02-01", "since: 2099-02-01"),
            (BOUGHT, r"stage_dates: .*\n", ""),
            (BOUGHT, r"legal_class:\n.*\n", ""),
            (BOUGHT, r"objectives:\n.*\n", ""),
            ("information-letter-assistant.md", r" \(R3\)", ""),
            ("parties.yaml", r"how_met: \[A.8.5\]", "how_met: [A.99.4]"),
            ("context.yaml", r", climate: true", ""),
            ("context.yaml", r"(?m)^.*electricity.*\n.*\n", ""),
        ],
        ["C6 letter-assistant/limits", "I1 audit-report/author", "I5 audit-report/N1/action", "I7 audit-report",
         "K2 loan-screening/release-loan-screening/stop", "K2 roles/model owner/deputy", "K3 competence-ana/assessor",
         "K3 competence-rita/requirement", "K8 loan-screening/approve/olga", "L4 incident-1", "L8 incident-1/plan",
         "M1 review-inputs", "O2 channel-loan-screening/target", "O2 reports-letter-assistant/P1/days", "S10 parties/supervisory authority",
         "S4 letter-assistant/law", "S4 letter-assistant/objectives", "S4 letter-assistant/since",
         "S4 letter-assistant/stages", "W6 context/climate"],
    ),
    "reviews, measurements, scope and resources": (
        [
            ("review-inputs.yaml", None, REVIEWED), ("minutes.yaml", None, HELD),
            ("measurement.yaml", r"effective_from: \S+", "effective_from: 2024-01-31"),
            ("measurement.yaml", "drafts that name the clerk's reason", "complaints of the month"),
            ("scope.md", r"statement: .*", "statement: All AI systems of the organisation."),
            ("scope.md", r"units: .*\n", ""),
            ("scope.md", "systems_in:", 'systems_out: [{id: chess, reason: "n/a", approved_by: ana}]\nsystems_in:'),
            (BOUGHT, "name: applicants whose loan was refused", "name: our customers"),
            ("resources-loan-screening.yaml", r"  - \{stage: operation, resource: tool.*\n", ""),
            ("resources-loan-screening.yaml", r"(?m)^.*resource: data, .*\n", ""),
            ("preparation-loan-screening.yaml", "12% of women", "10% of women"),
            ("quality-loan-screening.yaml", 'limit: "0 rows",', 'limit: "50%",'),
            ("quality-loan-screening.yaml", "no value is missing", "not null"),
        ],
        ["F5 impact-letter-assistant/not assessed/our customers",
         "F5 impact-letter-assistant/not registered/applicants whose loan was refused", "L13 loan-screening/loan-screening@champion/test",
         f"L13 {LIVE}/step/clean/rows", f"L13 {LIVE}/tools", f"L13 {LIVE}/train", "L15 quality-loan-screening",
         "L2 measurement/complaints of the month", "M1 review-inputs", "M4 minutes/1", "S4 letter-assistant/group/our customers",
         "S8 scope/chess", "S8 scope/out/chess", "S8 scope/statement"],
    ),
}  # fmt: skip
