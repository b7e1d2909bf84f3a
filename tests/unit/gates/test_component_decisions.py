"""A decision about a third party's component lets it be used only where it says so."""

import pytest

from aims_mlflow.gates.document_content.component_decisions import permits


@pytest.mark.parametrize(
    "decision",
    [
        "stop", "halt its use", "withdrawn", "suspended by the board", "to be stopped at once", "pending legal review",
        "undecided", "open", "deferred to the next meeting", "no", "no, it is too slow", "Unfit: it must not be used",
        "cannot be used", "its use is not permitted", "not to be used", "it is not fit for use", "may never be deployed",
        "rejected", "its use was refused", "it is a no-go", "any use of it is prohibited", "it is not yet ready", "it should not go live",
    ],
)  # fmt: skip
def test_what_does_not_say_that_it_may_be_used_lets_nobody_use_it(decision):
    assert not permits(decision)


@pytest.mark.parametrize(
    "decision",
    [
        "may be used where a clerk reads each draft", "yes", "approved", "no objections", "go with conditions", "keep",
        "used only with two reviewers", "accepted until 2027-01-01", "fit for letters", "not before May, then approved",
        "fit for use; the model is not exposed to customers", "use it; it was not worse than ours",
        "It is not slow and may be used", "not before the contract is signed", "approved; must not be shown to children", "approved; its use by children is banned",
    ],
)  # fmt: skip
def test_what_says_so_lets_it_be_used(decision):
    assert permits(decision)
