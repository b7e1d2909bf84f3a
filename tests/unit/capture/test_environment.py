"""What a tooling-record says of the process of the training."""

import sys

from aims_mlflow.capture.environment import tool_versions


def test_tools_are_those_that_the_process_has_loaded(monkeypatch):
    import polars as pl
    import sklearn

    loaded = tool_versions()
    assert (loaded["polars"], loaded["scikit-learn"]) == (pl.__version__, sklearn.__version__)
    monkeypatch.delitem(sys.modules, "polars")
    assert "polars" not in tool_versions()
