"""The calls of the customer's chapter on the registry (4.2 and 4.3), in their order: train, register, describe, move.

`python registry_chapter.py train` makes the versions; `… stages` moves them, and says what it was told.
MLflow 3.17 stores a forest of scikit-learn only when it is told to pickle it: that word alone is not the chapter's.
"""

import sys

import mlflow
import pandas as pd
from mlflow.models.signature import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

MODEL_NAME = "credit-risk-classifier"
client = MlflowClient()
say = sys.stdout.write


def train_and_register(n_estimators, max_depth):
    with mlflow.start_run(run_name=f"rf_v{n_estimators}_{max_depth}"):
        model = RandomForestClassifier(n_estimators=n_estimators, max_depth=max_depth, random_state=42)
        model.fit(X_train, y_train)
        y_pred = model.predict(X_test)
        mlflow.log_params({"n_estimators": n_estimators, "max_depth": max_depth})
        mlflow.log_metrics({"accuracy": accuracy_score(y_test, y_pred), "f1_score": f1_score(y_test, y_pred)})
        mlflow.sklearn.log_model(
            sk_model=model,
            artifact_path="model",
            registered_model_name=MODEL_NAME,
            serialization_format="cloudpickle",
        )


def log_with_signature():
    frame = pd.DataFrame(X_train, columns=[f"feature_{i}" for i in range(20)])
    model = GradientBoostingClassifier(n_estimators=5, random_state=42).fit(frame, y_train)
    signature = infer_signature(frame, model.predict(frame[:5]))
    with mlflow.start_run(run_name="model-with-signature"):
        mlflow.sklearn.log_model(
            sk_model=model,
            artifact_path="model",
            signature=signature,
            input_example=frame[:5],
            serialization_format="cloudpickle",
        )


def transition(version, stage, description):
    client.transition_model_version_stage(
        name=MODEL_NAME, version=version, stage=stage, archive_existing_versions=False
    )
    client.update_model_version(name=MODEL_NAME, version=version, description=description)
    say(f"v{version} is in {stage}\n")


if sys.argv[1] == "train":
    mlflow.set_experiment("model-registry-demo")
    X, y = make_classification(n_samples=200, n_features=20, n_informative=15, n_redundant=5, random_state=42)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    for size, depth in ((2, 5), (5, 10)):
        train_and_register(size, depth)
    log_with_signature()
    for mv in client.search_model_versions(f"name='{MODEL_NAME}'"):
        say(f"{mv.version} {mv.current_stage}\n")
else:
    transition(2, "Production", "現在の本番モデル。バランスの取れた性能。")
    say(f"{[mv.version for mv in client.get_latest_versions(MODEL_NAME, stages=['Production'])]}\n")
