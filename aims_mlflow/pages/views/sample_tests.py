"""What an auditor looks at for each test of a drawn item, by the labels of the pages."""

from __future__ import annotations

from aims_mlflow.documents.page_blocks import PageTable

HOW_TO_TEST = (
    (
        "Evidence whole",
        "Each record has an owner of its key and a result, and the gate's own function comes to the same decision.",
        "the decision: Evidence that counted, Decided again now",
    ),
    (
        "Digest equal",
        "The decision and the version have one digest. `aims verify models:/NAME/VERSION` compares the stored files.",
        "the decision and the version: Model digest",
    ),
    (
        "Limits then",
        "The limits are those that the organisation had set by that day, each with a reason.",
        "the decision: Limits of the policy then; Policy",
    ),
    (
        "Approver is not trainer",
        "Who approved is another person than who trained. A registration needs no approval: write n/a.",
        "the decision: Approved by; the version: Timeline, trained",
    ),
    (
        "Card as behaviour",
        "The values and limits that the card names are those that were measured, and no failed one is left out of it.",
        "the version: Behaviour, Model card",
    ),
)
TESTS = tuple(name for name, _, _ in HOW_TO_TEST)


def tests_table() -> PageTable:
    """Return the tests of a sample with what to look at, and where."""
    return PageTable("How to test an item", ("Test", "It holds when", "Where to look"), HOW_TO_TEST)
