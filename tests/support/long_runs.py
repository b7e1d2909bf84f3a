"""Parameters of which a few run by default, and all in `tox -e full`."""

import itertools

import pytest


def full_but(kept, *values):
    """Return each value as a parameter, or each combination of several lists; those not in `kept` are marked `full`."""
    every = list(itertools.product(*values))
    known = every if len(values) > 1 else [each for (each,) in every]
    assert all(each in known for each in kept), "what is kept is no parameter"
    return [
        pytest.param(*each, marks=() if name in kept else pytest.mark.full)
        for each, name in zip(every, known, strict=True)
    ]
