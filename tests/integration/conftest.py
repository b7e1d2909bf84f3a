"""A small table of applications, and its two halves."""

import pytest

from support import trainings


@pytest.fixture
def frame():
    return trainings.table(600)


@pytest.fixture
def halves(frame):
    return frame[:360], frame[360:]
