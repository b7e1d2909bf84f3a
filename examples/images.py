"""Images (texts and audio alike): a table of labels and groups beside a folder of files.

    python examples/images.py

The model reads the files; the checks read the table; the evidence holds one digest of all files.
"""

import os
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import aims_mlflow as aims

FOLDER = Path(os.environ.get("EXAMPLE_DIR") or tempfile.mkdtemp(prefix="aims-example-"))
CONFIG = {  # usually aims.yaml beside the script
    "system": {
        "id": "lesion-triage",
        "owner": "imaging@example.org",
        "intended_use": "Suggest which pictures a dermatologist looks at first.",
        "affected_groups": ["patients, by skin tone"],
    },
    "data": {
        "target": "finding",
        "favourable": "seen first",
        "sensitive": ["tone"],
        "files": {"pictures": {"folder": "pictures", "column": "file"}},  # `file` names each row's picture
    },
}


def write_pictures(folder: Path, rows: int = 600) -> pd.DataFrame:
    """Write made-up pictures of 8 x 8 pixels, and return the table about them."""
    draw = np.random.default_rng(7)
    tone, sick = draw.choice(["dark", "light"], rows), draw.random(rows) < 0.4
    folder.mkdir(exist_ok=True)
    for i in range(rows):
        contrast = 2.0 if tone[i] == "light" else 0.7  # the camera shows less on dark skin
        np.save(folder / f"{i:04}.npy", draw.normal(contrast * sick[i], 1, (8, 8)).astype("float32"))
    finding = np.where(sick, "seen first", "later")
    return pd.DataFrame({"file": [f"{i:04}.npy" for i in range(rows)], "tone": tone, "finding": finding})


def pixels(table: pd.DataFrame) -> np.ndarray:
    return np.stack([np.load(FOLDER / "pictures" / name).ravel() for name in table["file"]])


@aims.trains("lesion-triage", config=CONFIG, predict=lambda model, rows: model.predict(pixels(rows)))
def train(train: pd.DataFrame, test: pd.DataFrame) -> LogisticRegression:  # noqa: ARG001
    return LogisticRegression(max_iter=1000).fit(pixels(train), train["finding"])


if __name__ == "__main__":
    os.chdir(FOLDER)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    train(*train_test_split(write_pictures(FOLDER / "pictures"), test_size=0.4, random_state=0))
    run = mlflow.search_runs(filter_string="tags.`aims.session` LIKE '%'", output_format="list")[0]
    print(f"Next: aims verify runs:/{run.info.run_id}   (MLFLOW_TRACKING_URI=sqlite:///{FOLDER}/mlflow.db)")
