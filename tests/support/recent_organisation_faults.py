"""Faults that somebody planted by hand in a copy of the example organisation, each with what is found since."""

RECENT_FAULTS = {
    "entries of one id": (
        [
            ("people.yaml", "(?m)^people:\n", "people:\n  - {id: ana, function: clerk, employed_from: 2020-01-01}\n"),
            ("treatment-plan.yaml", r"(?s)(risk: R1.*?due: )[\d-]+,", r"\g<1>2026-01-01,"),
            ("risks.yaml", "  - id: R4\n", "  - id: R1\n"),
        ],
        ["D11 people", "D11 risks", "P5 A.6.2.5/basis", "R1 treatment-plan/R1"],
    ),
}  # fmt: skip
