"""Faults that somebody planted by hand in a copy of the example organisation, each with what is found since."""

from support.organisation_faults import TEST

RECENT_FAULTS = {
    "entries of one id": (
        [
            ("people.yaml", "(?m)^people:\n", "people:\n  - {id: ana, function: clerk, employed_from: 2020-01-01}\n"),
            ("treatment-plan.yaml", r"(?s)(risk: R1.*?due: )[\d-]+,", r"\g<1>2026-01-01,"),
            ("risks.yaml", "  - id: R4\n", "  - id: R1\n"),
        ],
        ["D11 people", "D11 risks", "P5 A.6.2.5/basis", "P9 soa/residual_risks", "R1 treatment-plan/R1"],
    ),
    "an auditor of what is theirs by content": (
        [
            (TEST, "evaluator: rita", "evaluator: eva"),
            ("risks.yaml", r"(id: R1\n(?:    .*\n)*?    owner: )olga", r"\1eva"),
            ("roles.yaml", "person: olga, deputy: max", "person: olga, deputy: eva"),
        ],
        ["I1 audit-report/eva"],
    ),
    # What our own test of a component shows closes a risk of a system whose model is the provider's.
    "a risk that our own test closes, and one that no test closes": (
        [
            ("risks.yaml", r"(id: R3\n(?:    .*\n)*?    status: )treating",
             r"\1closed\n    treated_on: 2026-01-31\n    closed_by: [letter-test]"),
            ("risks.yaml", r"(id: R2\n(?:    .*\n)*?    status: )treating",
             r"\1closed\n    treated_on: 2026-01-31\n    closed_by: [letter-test]"),
        ],
        ["R2 risks/R2"],
    ),
}  # fmt: skip
