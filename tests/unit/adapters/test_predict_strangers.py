"""Models of strangers: what they lack, what they raise and what they answer, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from aims_mlflow.adapters.meaning import NOT_CLEAR
from aims_mlflow.adapters.predict import Question, known_labels
from aims_mlflow.adapters.tables import make_table
from aims_mlflow.checks.tables.task import PredictionTask
from aims_mlflow.errors import CheckError

FEATURES = ["income", "debt"]


def frame(rows=600, seed=3):
    draw = np.random.default_rng(seed)
    data = pd.DataFrame({"income": draw.normal(30, 5, rows), "debt": draw.random(rows)})
    data["sex"] = draw.choice(["f", "m"], rows)
    data["email"] = [f"person{i:04d}@example.org" for i in range(rows)]
    good = data["income"] + 2 * draw.normal(size=rows) > 30
    return data.assign(repaid=np.where(good, "yes", "no"), second=draw.integers(0, 2, rows))


def halves(data=None, **options):
    data = frame() if data is None else data
    parts = data[:400].reset_index(drop=True), data[400:].reset_index(drop=True)
    return [make_table(r, target="repaid", sensitive=("sex",), frame=p, **options) for r, p in zip(("train", "test"), parts, strict=True)]  # fmt: skip


def answer(model, train, test, kind="binary-classification", favourable="yes", function=None):
    task = PredictionTask(kind, "repaid", None if kind == "regression" else favourable)
    known = known_labels(task, (train, test), model)
    return Question(model=model, task=task, known=known, function=function, proof=train).answer(test)


def refusal(*args, **options):
    with pytest.raises(CheckError) as refused:
        answer(*args, **options)
    return refused.value.sentence()


class Answers:
    def __init__(self, function):
        self.predict = function


def test_held_out_rows_may_lack_a_label_that_the_model_predicts():
    train, test = halves()
    few = test.frame[test.frame["repaid"] == "no"].reset_index(drop=True)
    test = make_table("test", target="repaid", sensitive=("sex",), frame=few)
    model = LogisticRegression().fit(train.frame[FEATURES], train.frame["repaid"])
    assert set(answer(model, train, test).predictions.labels) == {"no", "yes"}


def test_what_a_model_answers_is_not_quoted():
    text = refusal(Answers(lambda x: x["email"].to_numpy()), *halves())
    assert "@" not in text
    assert "200 different texts, and some are not among the 2 labels of 'repaid'" in text
    assert "predict=" in text


def test_labels_that_are_not_declared_are_not_quoted():
    data = frame().assign(repaid=lambda d: np.where(d["repaid"] == "yes", "Ana", "Bob"))
    text = refusal(Answers(lambda x: np.full(len(x), 3)), *halves(data), favourable="Ana")
    assert "Bob" not in text


def test_a_models_own_error_is_shown_without_values():
    def predict(features):
        if "ratio" not in features:
            raise ValueError(f"{features['email'].iloc[0]}: column 'ratio' is made in prepare(), call it first")

    text = refusal(Answers(predict), *halves())
    assert "could not predict (ValueError: … column 'ratio' is made in prepare(), call it first)" in text


def test_two_targets_are_not_taken_for_scores():
    train, test = halves()
    both = train.frame[["second"]].assign(first=(train.frame["repaid"] == "yes").astype(int))[["first", "second"]]
    model = MultiOutputClassifier(LogisticRegression()).fit(train.frame[FEATURES], both)
    model.feature_names_in_ = np.array(FEATURES, dtype=object)
    assert f"{NOT_CLEAR}: the model gives 2 columns of labels, as for 2 targets" in refusal(model, train, test)


def test_of_several_named_targets_the_one_with_the_targets_name_counts():
    train, test = halves()
    model = LogisticRegression().fit(train.frame[FEATURES], train.frame["repaid"])
    both = Answers(lambda x: pd.DataFrame({"second": "yes", "repaid": model.predict(x[FEATURES])}))
    found = answer(both, train, test).predictions
    assert found.labels.tolist() == model.predict(test.frame[FEATURES]).tolist()


def test_two_columns_that_could_both_be_the_prediction_are_not_clear():
    both = Answers(lambda x: pd.DataFrame({"prediction": "yes", "label": np.where(x["debt"] > 0.5, "yes", "no")}))
    assert NOT_CLEAR in refusal(both, *halves())


def test_a_constant_label_in_the_targets_own_words_is_read():
    train, test = halves()
    model = DummyClassifier().fit(train.frame[FEATURES], train.frame["repaid"])
    found = answer(model, train, test)
    assert found.proof is not None
    assert not found.proof.shown
    assert len(set(found.predictions.labels)) == 1


def test_what_a_person_says_is_believed():
    """A bad model is bad evidence, once its author says which output is the prediction."""
    train, test = halves()
    model = LogisticRegression().fit(train.frame[FEATURES], train.frame["repaid"])

    def exchanged(model, features):
        return np.where(model.predict(features[FEATURES]) == "yes", "no", "yes")

    found = answer(model, train, test, function=exchanged)
    assert np.mean(found.predictions.labels == test.frame["repaid"]) < 0.5
    assert NOT_CLEAR in refusal(Answers(lambda x: exchanged(model, x)), train, test)


def test_scores_from_a_persons_function_are_proved_all_the_same():
    train, test = halves()
    model = LogisticRegression().fit(train.frame[FEATURES], train.frame["repaid"])
    said = "train rows worse than chance"
    assert said in refusal(model, train, test, function=lambda m, x: m.predict_proba(x[FEATURES])[:, 0])


def test_a_score_is_not_read_without_labels_to_prove_it():
    _, test = halves()
    task = PredictionTask("binary-classification", "repaid", "yes")
    question = Question(model=Answers(lambda x: np.linspace(0, 1, len(x))), task=task, known={"no": "no", "yes": "yes"})
    with pytest.raises(CheckError, match="no rows with labels are at hand to prove it on"):
        question.answer(test)


def test_numbers_that_fall_where_the_target_rises_are_not_clear():
    data = frame().assign(repaid=lambda d: 3 * d["income"] + d["debt"])
    train, test = halves(data)
    model = LinearRegression().fit(train.frame[FEATURES], train.frame["repaid"])
    found = answer(model, train, test, kind="regression")
    assert found.predictions.labels.tolist() == model.predict(test.frame[FEATURES]).tolist()
    text = refusal(Answers(lambda x: -model.predict(x[FEATURES])), train, test, kind="regression")
    assert "fall where the target of 400 train rows rises" in text
    two = Answers(lambda x: np.column_stack([model.predict(x[FEATURES])] * 2))
    assert "2 columns, and none is named as the target" in refusal(two, train, test, kind="regression")


def test_a_model_that_asks_for_the_groups_gets_the_sensitive_columns():
    from fairlearn.postprocessing import ThresholdOptimizer

    train, test = halves()
    numbers = [make_table(t.role, target="repaid", sensitive=("sex",), frame=t.frame.assign(repaid=(t.frame["repaid"] == "yes").astype(int))) for t in (train, test)]  # fmt: skip
    fair = ThresholdOptimizer(estimator=LogisticRegression(), predict_method="predict_proba")
    fair.fit(numbers[0].frame[FEATURES], numbers[0].frame["repaid"], sensitive_features=numbers[0].frame["sex"])
    asked = Answers(lambda x, *, sensitive_features, random_state=None: fair.predict(x[FEATURES], sensitive_features=sensitive_features, random_state=random_state))  # fmt: skip
    found = answer(asked, numbers[0], numbers[1], favourable="1").predictions
    expected = fair.predict(numbers[1].frame[FEATURES], sensitive_features=numbers[1].frame["sex"], random_state=42001)
    assert found.labels.tolist() == expected.tolist()


def test_a_booster_gets_categories():
    xgboost = pytest.importorskip("xgboost")
    data = frame().assign(
        sex=lambda d: d["sex"].astype("category"), repaid=lambda d: (d["repaid"] == "yes").astype(int)
    )
    train, test = halves(data)
    inputs = [*FEATURES, "sex"]
    matrix = xgboost.DMatrix(train.frame[inputs], train.frame["repaid"], enable_categorical=True)
    model = xgboost.train({"objective": "binary:logistic"}, matrix, 10)
    found = answer(model, train, test, favourable="1").predictions
    scores = model.predict(xgboost.DMatrix(test.frame[inputs], enable_categorical=True))
    np.testing.assert_allclose(found.scores, scores)
