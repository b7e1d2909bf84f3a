"""Warnings of libraries while evidence is taken are no errors, whatever filter the person has."""

import warnings

import pytest

from aims_mlflow.capture.quiet_warnings import no_errors


def test_warnings_are_printed_where_they_would_be_errors_and_the_filter_is_back_afterwards():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="unseen")
        with no_errors(), warnings.catch_warnings(record=True) as shown:
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            warnings.warn("unseen", stacklevel=1)
        assert [str(each.message) for each in shown] == ["old"]
        with pytest.raises(DeprecationWarning):
            warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_other_filters_stay_as_they_are():
    with warnings.catch_warnings():
        warnings.resetwarnings()
        with no_errors(), pytest.warns(UserWarning, match="seen"):
            warnings.warn("seen", stacklevel=1)
