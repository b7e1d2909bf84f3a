"""Settings of any form are recorded flat and bounded; what is left out is named, and nothing personal or secret leaks."""

import argparse
import dataclasses
import datetime as dt
import enum
import types
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import attrs
import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, SecretStr
from sklearn.linear_model import LogisticRegression

from aims_mlflow.capture.parameters import HIDDEN, MAX_NAMED, MAX_SETTINGS, Settings, settings_of


class Loss(enum.Enum):
    LOG = 1


@dataclasses.dataclass
class Optimizer:
    rate: float = 0.1
    inner: dict = dataclasses.field(default_factory=lambda: {"beta": 0.9})


class Layers(BaseModel):
    sizes: list[int] = [64, 32]
    key: SecretStr = SecretStr("s3cret")


@attrs.define
class Trees:
    depth: int = 3


class Hostile:
    @property
    def get_params(self):
        raise RuntimeError("no")


class Broken(dict):
    def __getitem__(self, key):
        if key == "unresolved":
            raise KeyError("${nowhere}")
        return super().__getitem__(key)


class Point(NamedTuple):
    x: int
    y: int


itself: dict = {"depth": 2}
itself["self"] = itself


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, {"": "3"}),
        (True, {"": "True"}),
        (None, {"": "None"}),
        (np.int64(7), {"": "7"}),
        (np.float32(0.5), {"": "0.5"}),
        (np.bool_(True), {"": "True"}),
        (np.array(3), {"": "3"}),
        (Decimal("0.10"), {"": "0.10"}),
        (Loss.LOG, {"": "Loss.LOG"}),
        (dt.date(2026, 1, 2), {"": "2026-01-02"}),
        (Path("/home/ana/loans.csv"), {"": "loans.csv"}),
        ("/home/ana/loans.csv", {"": "loans.csv"}),
        ("mean / std", {"": "mean / std"}),
        ("", {"": "''"}),
        ("postgresql://ana:pw@host/db", {"": "postgresql://host/db"}),
        ([64, 32], {"": "[64, 32]"}),
        ({"b", "a"}, {"": "[a, b]"}),
        (range(3), {"": "range(0, 3)"}),
        (np.dtype("float32"), {"": "float32"}),
        (np.mean, {"": "numpy.mean"}),
        (Optimizer, {"": f"{__name__}.Optimizer"}),
        ({"C": 0.1, 2: {"deep": [1, 2]}}, {".C": "0.1", ".2.deep": "[1, 2]"}),
        (Optimizer(), {".rate": "0.1", ".inner.beta": "0.9"}),
        (argparse.Namespace(seed=3), {".seed": "3"}),
        (types.SimpleNamespace(seed=3), {".seed": "3"}),
        (Point(1, 2), {".x": "1", ".y": "2"}),
        (Layers(), {".sizes": "[64, 32]", ".key": HIDDEN}),
        (Trees(), {".depth": "3"}),
        ([("scale", {"mean": True}), "fit"], {".0.0": "scale", ".0.1.mean": "True", ".1": "fit"}),
    ],
)
def test_a_setting_of_this_form_is_recorded(value, expected):
    found = settings_of({"s": value})
    assert found.values == {f"s{name}": text for name, text in expected.items()}
    assert found.left_out == {}


def test_a_configuration_of_omegaconf_is_recorded_and_what_it_cannot_resolve_is_named():
    omegaconf = pytest.importorskip("omegaconf")
    found = settings_of({"conf": omegaconf.OmegaConf.create({"lr": 0.01, "layers": [1, 2], "bad": "${nowhere}"})})
    assert found.values == {"conf.lr": "0.01", "conf.layers": "[1, 2]"}
    assert list(found.left_out) == ["conf.bad"]


def test_an_estimator_is_its_class_and_its_settings():
    found = settings_of({"model": LogisticRegression(C=2)}).values
    assert found["model.class"].endswith("LogisticRegression")
    assert found["model.C"] == "2"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("frame", pd.DataFrame({"a": [1]}), "a table or an array (DataFrame)"),
        ("ids", list(range(51)), "51 values"),
        ("text", "x" * 201, "a text of 201 characters"),
        ("raw", b"bytes", "5 bytes"),
        ("thing", object(), "an object of object"),
        ("odd", Hostile(), "it cannot be read (RuntimeError)"),
        ("email", "x", "it looks personal"),
        ("applicant.first_name", "Ana", "it looks personal"),
        ("note", "ask ana@example.org", "it looks personal"),
    ],
)
def test_what_is_no_setting_is_left_out_with_the_reason(name, value, why):
    found = settings_of({name: value, "kept": 1})
    assert found.values == {"kept": "1"}
    assert found.left_out[name].startswith(why)


def test_one_key_that_cannot_be_read_does_not_take_the_others_with_it():
    found = settings_of({"conf": Broken(rate=0.1, unresolved=1)})
    assert found == Settings({"conf.rate": "0.1"}, {"conf.unresolved": "it cannot be read (KeyError)"})


def test_names_of_people_as_keys_do_not_leak():
    found = settings_of({"limits": {"ana@example.org": 3, "other": 4}})
    assert found.values == {"limits.other": "4"}
    assert list(found.left_out) == ["limits.*"]


@pytest.mark.parametrize(
    "name", ["password", "db_passwd", "apiKey", "hf_token", "SECRET", "aws_access_key_id", "auth.token"]
)
def test_a_secret_is_hidden_whatever_it_is(name):
    for value in ("hunter2", {"deep": "hunter2"}, ["hunter2"], 12345):
        found = settings_of({name: value})
        assert found == Settings({name: HIDDEN})
        nested = settings_of({"conf": {name: value}})
        assert nested == Settings({f"conf.{name}": HIDDEN})


def test_numbers_of_tokens_are_no_secrets():
    assert settings_of({"max_tokens": 5, "tokenizer": "bpe"}).values == {"max_tokens": "5", "tokenizer": "bpe"}


def test_what_holds_itself_or_has_no_end_is_bounded():
    found = settings_of({"loop": itself})
    assert found.values == {"loop.depth": "2"}
    assert found.left_out == {"loop.self": "it holds itself"}
    many = settings_of({"many": {str(i): i for i in range(1000)}})
    assert len(many.values) == MAX_SETTINGS
    assert len(many.left_out) == MAX_NAMED + 1
    assert many.left_out["(more)"] == f"{1000 - MAX_SETTINGS - MAX_NAMED} other settings"
