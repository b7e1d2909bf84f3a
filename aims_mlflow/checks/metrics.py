"""The names of all metrics that checks report: a limit on any other name is a mistake."""

from __future__ import annotations

GROUP_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate")
GROUP_RATIO = "selection_rate_ratio"
BETWEEN_GROUPS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
)
FAIRNESS = (*GROUP_RATES, GROUP_RATIO, *BETWEEN_GROUPS)

COUNTED = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
BASELINE = ("majority_class_accuracy", "accuracy_over_majority")
SCORED = ("roc_auc", "log_loss", "brier_score")
PERFORMANCE = (*COUNTED, *BASELINE, *SCORED)

LEAKAGE = ("train_test_overlap",)
DRIFT = ("drift", "drift_p_value", "drifted_share")
