"""The demo's models as data: what each predicts, from which table, and how each of its versions is made.

Tables are synthetic (fixed seeds) or bundled with scikit-learn: nothing is downloaded. Every version is trained for
real; which of them is better is decided by the estimators, not written down here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


@dataclass(frozen=True)
class Version:
    """One version: its estimator, the stage it is given in MLflow, and what is deliberately odd about it."""

    estimator: Callable[[], Any]
    description: str
    stage: str = "None"
    columns: tuple[str, ...] = ()  # only these features; empty: all of them
    rows: float = 1.0  # share of the training rows
    signature: bool = True
    pinned: bool = True
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One registered model with its versions, oldest first."""

    name: str
    kind: str  # "classification" or "regression"
    target: str
    table: Callable[[], pd.DataFrame]
    dataset: str
    description: str
    tags: dict[str, str]
    versions: list[Version] = field(default_factory=list)


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def churn() -> pd.DataFrame:
    """Customers of a phone company, one row each; about a third leave."""
    rng, n = _random(7), 1500
    table = pd.DataFrame(
        {
            "tenure_months": rng.integers(1, 72, n).astype(float),
            "monthly_charge": rng.normal(65, 22, n).clip(15).round(2),
            "support_calls": rng.poisson(1.4, n).astype(float),
            "data_gb": rng.gamma(2.0, 6.0, n).round(1),
        }
    )
    months = table.tenure_months
    score = 0.9 * (table.support_calls > 2) + 1.6 * ((months < 12) & (table.monthly_charge > 60)) - 0.02 * months
    table["churned"] = (score + rng.normal(0, 0.45, n) > 0.25).astype(int)
    return table


def houses() -> pd.DataFrame:
    """Sold houses: size, age, rooms, distance; the price in thousands."""
    rng, n = _random(11), 900
    table = pd.DataFrame(
        {
            "area_m2": rng.normal(120, 40, n).clip(35).round(0),
            "rooms": rng.integers(1, 8, n).astype(float),
            "age_years": rng.integers(0, 90, n).astype(float),
            "km_to_centre": rng.gamma(2.0, 4.0, n).round(1),
        }
    )
    near = 90 * np.exp(-table.km_to_centre / 6)
    worth = 2.1 * table.area_m2 + 9 * table.rooms - 0.7 * table.age_years + near
    table["price_k"] = (worth + rng.normal(0, 18, n)).round(1)
    return table


def credit() -> pd.DataFrame:
    """Loan applications; about one in five defaults."""
    rng, n = _random(13), 1600
    table = pd.DataFrame(
        {
            "income_k": rng.lognormal(3.6, 0.4, n).round(1),
            "loan_k": rng.lognormal(2.7, 0.6, n).round(1),
            "years_employed": rng.integers(0, 35, n).astype(float),
            "late_payments": rng.poisson(0.8, n).astype(float),
        }
    )
    burden = table.loan_k / table.income_k
    score = 1.8 * (burden > 0.6) * (table.late_payments > 0) + 0.5 * table.late_payments - 0.04 * table.years_employed
    table["defaulted"] = (score + rng.normal(0, 0.4, n) > 0.9).astype(int)
    return table


def demand() -> pd.DataFrame:
    """Units sold per day with last week's figures; a weekly and a yearly wave."""
    rng, n = _random(17), 800
    day = np.arange(n)
    units = 200 + 40 * np.sin(2 * np.pi * day / 7) + 60 * np.sin(2 * np.pi * day / 365) + rng.normal(0, 9, n)
    table = pd.DataFrame({"units_yesterday": np.roll(units, 1), "units_last_week": np.roll(units, 7)})
    table["weekday"] = (day % 7).astype(float)
    table["promotion"] = rng.integers(0, 2, n).astype(float)
    table["units"] = units + 25 * table.promotion
    return table.iloc[7:].round(1)


def iris() -> pd.DataFrame:
    """Fisher's irises, with column names that a signature can carry."""
    frame = load_iris(as_frame=True).frame
    return frame.rename(columns=lambda name: name.replace(" (cm)", "_cm").replace(" ", "_")).rename(
        columns={"target": "species"}
    )


TOPICS = {
    "billing": ["invoice", "refund", "charged twice", "payment failed", "credit card", "receipt"],
    "access": ["password", "cannot sign in", "locked account", "reset link", "two-factor code", "permission denied"],
    "delivery": ["parcel", "late shipment", "tracking number", "wrong address", "damaged box", "courier"],
}


def tickets() -> pd.DataFrame:
    """Short support tickets in three topics, one in eight of them ambiguous."""
    rng = _random(19)
    starts = ["Hello,", "Hi team,", "Urgent:", "Question about", "Again", "Please help,"]
    rows = []
    for topic, words in TOPICS.items():
        for _ in range(150):
            said = list(rng.choice(words, 2))
            if rng.random() < 0.125:
                said = list(rng.choice(TOPICS[str(rng.choice(list(TOPICS)))], 2))
            rows.append((f"{rng.choice(starts)} {said[0]} and {said[1]} since {rng.integers(1, 9)} days", topic))
    return pd.DataFrame(rows, columns=["text", "topic"]).sample(frac=1, random_state=3).reset_index(drop=True)


def _scaled(estimator: Any) -> Any:
    return make_pipeline(StandardScaler(), estimator)


def _text(estimator: Any) -> Any:
    return make_pipeline(ColumnTransformer([("words", TfidfVectorizer(ngram_range=(1, 2)), "text")]), estimator)


RECIPES = [
    Recipe(
        "churn-classifier",
        "classification",
        "churned",
        churn,
        "churn-2026q3",
        "Predicts whether a customer leaves within 90 days. Used by the retention desk.",
        {"team": "growth", "risk": "medium"},
        [
            Version(
                lambda: _scaled(LogisticRegression()),
                "Baseline on one feature.",
                "Archived",
                columns=("tenure_months",),
            ),
            Version(lambda: _scaled(LogisticRegression(C=0.5)), "All features.", "Production", aliases=("champion",)),
            Version(
                lambda: RandomForestClassifier(40, max_depth=7, random_state=0),
                "Random forest on all features.",
                aliases=("challenger",),
            ),
        ],
    ),
    Recipe(
        "house-price",
        "regression",
        "price_k",
        houses,
        "houses-2026-09",
        "Estimates a sale price in thousands, for the valuation page.",
        {"team": "valuation", "risk": "low"},
        [
            Version(
                lambda: Ridge(alpha=200.0), "Ridge on size and rooms only.", "Archived", columns=("area_m2", "rooms")
            ),
            Version(
                lambda: GradientBoostingRegressor(n_estimators=80, random_state=0),
                "Gradient boosting.",
                "Production",
                aliases=("champion",),
            ),
            Version(
                lambda: DecisionTreeRegressor(max_depth=3, random_state=0),
                "A single small tree, to see how much is lost.",
                rows=0.4,
            ),
        ],
    ),
    Recipe(
        "credit-risk",
        "classification",
        "defaulted",
        credit,
        "applications-2026h1",
        "Probability that a loan defaults within a year. Decisions are reviewed by a person.",
        {"team": "lending", "risk": "high"},
        [
            Version(lambda: DecisionTreeClassifier(max_depth=3, random_state=0), "Small tree.", "Archived"),
            Version(lambda: _scaled(LogisticRegression()), "Logistic regression.", "Production", aliases=("champion",)),
            Version(
                lambda: HistGradientBoostingClassifier(max_iter=60, max_depth=4, random_state=0),
                "Gradient boosting, finds the burden and late payment interaction.",
                "Staging",
            ),
        ],
    ),
    Recipe(
        "demand-forecast",
        "regression",
        "units",
        demand,
        "daily-units-2024-2026",
        "Units sold tomorrow per store, one row per day.",
        {"team": "supply", "risk": "low"},
        [
            Version(
                LinearRegression,
                "Yesterday's figure only; logged without a signature.",
                columns=("units_yesterday",),
                signature=False,
            ),
            Version(lambda: Ridge(alpha=1.0), "All lags.", "Production", aliases=("champion",)),
            Version(
                lambda: GradientBoostingRegressor(n_estimators=60, random_state=0),
                "Gradient boosting; its scikit-learn requirement is not pinned.",
                "Staging",
                pinned=False,
            ),
        ],
    ),
    Recipe(
        "iris-species",
        "classification",
        "species",
        iris,
        "iris",
        "The classic: which iris is it? Kept as a training example for new colleagues.",
        {"team": "academy", "risk": "low"},
        [
            Version(
                lambda: KNeighborsClassifier(3),
                "Nearest neighbours on the sepals.",
                "Production",
                columns=("sepal_length_cm", "sepal_width_cm"),
                aliases=("champion",),
            ),
            Version(lambda: _scaled(SVC(probability=False)), "Support vectors on all four measures."),
        ],
    ),
    Recipe(
        "ticket-topic",
        "classification",
        "topic",
        tickets,
        "tickets-2026-10",
        "Routes a support ticket to billing, access or delivery.",
        {"team": "support", "risk": "medium"},
        [
            Version(
                lambda: _text(MultinomialNB()), "Naive Bayes on word pairs, on a few tickets.", "Staging", rows=0.05
            ),
            Version(lambda: _text(LogisticRegression(C=4.0)), "Logistic regression on word pairs."),
        ],
    ),
]
