"""What an installation lacks is one sentence with what to install; an error of the package itself is not hidden."""

import pytest

from aims_mlflow.cli import main
from support.faulty_gate import failing

OLD = "cannot import name 'SpanMetricKey' from 'mlflow.tracing.constant'"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy"), "needs sqlalchemy, which is not inst"),
        (ModuleNotFoundError("No module named 'mlflow'", name="mlflow"), "needs mlflow, which is not installed here"),
        (ModuleNotFoundError("No module named 'mlflow.x'", name="mlflow.x"), "install mlflow>=3.17"),
        (ImportError(OLD, name="mlflow.tracing.constant"), f"a newer MLflow than is installed here ({OLD})"),
    ],
)
def test_what_is_lacking_is_one_sentence(monkeypatch, capsys, error, said):
    monkeypatch.setattr(main.cli, "main", failing(error))
    with pytest.raises(SystemExit) as ended:
        main.main(["verify"])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["aims_mlflow.nothing", "numpy", None])
def test_an_error_of_an_import_that_is_nobodys_lack_is_raised(monkeypatch, name):
    monkeypatch.setattr(main.cli, "main", failing(ImportError("a circle", name=name)))
    with pytest.raises(ImportError, match="a circle"):
        main.main(["verify"])
