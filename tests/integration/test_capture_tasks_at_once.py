"""Tasks of asyncio share a thread, in which MLflow keeps one active run: each training has its own run all the same."""

import asyncio

import mlflow
import pytest
from sklearn.linear_model import LogisticRegression

import aims_mlflow as aims
from aims_mlflow.capture import state
from support.captured_runs import FEATURES, config, one

pytestmark = pytest.mark.usefixtures("tracking")


def runs():
    return mlflow.search_runs(search_all_experiments=True, output_format="list")


def fitted(train, strength):
    return LogisticRegression(C=strength, max_iter=500).fit(train[FEATURES], train["granted"])


def test_two_trainings_at_once_have_each_its_own_run_and_model(halves):
    @aims.trains("loans", config=config())
    async def train(train, test, strength):
        await asyncio.sleep(strength / 10)
        model = fitted(train, strength)
        await asyncio.sleep(0.1)
        return model

    async def both():
        return await asyncio.gather(train(halves[0], halves[1], 0.001), train(halves[0], halves[1], 2.0))

    assert [model.C for model in asyncio.run(both())] == [0.001, 2.0]
    found = {}
    for run in runs():
        (output,) = run.outputs.model_outputs
        training = one("training-provenance", run.info.run_id).evidence
        assert [m["model_id"] for m in training.details["models"]] == [output.model_id]
        found[training.details["parameters"]["strength"]] = mlflow.sklearn.load_model(f"models:/{output.model_id}").C
    assert found == {"0.001": 0.001, "2.0": 2.0}


def test_a_run_that_another_task_starts_meanwhile_is_not_the_trainings(halves):
    @aims.trains("loans", config=config())
    async def train(train, test):
        model = fitted(train, 7.0)
        await asyncio.sleep(0.3)
        return model

    async def other():
        await asyncio.sleep(0.1)
        with mlflow.start_run(run_name="other"):
            mlflow.sklearn.log_model(fitted(halves[0], 99.0), name="foreign", pip_requirements=["scikit-learn"])

    async def both():
        await asyncio.gather(train(*halves), other())

    asyncio.run(both())
    by_name = {run.info.run_name: run for run in runs()}
    assert sorted(by_name) == ["loans", "other"]
    assert "aims.session" not in by_name["other"].data.tags
    (output,) = by_name["loans"].outputs.model_outputs
    (model,) = one("training-provenance", by_name["loans"].info.run_id).evidence.details["models"]
    assert model["model_id"] == output.model_id
    assert mlflow.sklearn.load_model(f"models:/{output.model_id}").C == 7.0


class Recorder:
    session_id = "01"


def test_what_a_session_of_one_task_opens_is_not_seen_by_the_next_task_until_that_one_is_done():
    recorder, seen = Recorder(), []

    async def opens():
        token = state.open_session(recorder)
        seen.append(state.current_session_id())
        seen.append(await asyncio.create_task(looks()))  # its own task
        await asyncio.sleep(0.05)
        return token

    async def looks():
        return state.current_session_id()

    async def all_of_them():
        opening = asyncio.create_task(opens())
        await asyncio.sleep(0.01)
        seen.append(state.current_session_id())
        token = await opening
        seen.append(state.current_session_id())  # as a notebook's next cell
        state.close_session(token, recorder)
        seen.append(state.current_session_id())

    asyncio.run(all_of_them())
    assert seen == ["01", "01", None, "01", None]
