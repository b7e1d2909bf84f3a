"""Names of all metrics that checks report; a limit on any other name is a mistake."""

from __future__ import annotations

GROUP_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate")
# Each group against the reference group: shares whose ratio and difference are told.
COMPARED_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
COMPARED = tuple(f"{rate}_{how}" for rate in COMPARED_RATES for how in ("ratio", "difference"))
# The highest group against the lowest, whichever they turn out to be (Fairlearn): a description without a verdict.
BETWEEN_GROUPS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
)
SELECTION = (*GROUP_RATES, *COMPARED, *BETWEEN_GROUPS)
# A limit on a description is held by each group's comparison with the reference group.
HELD_BY = {
    "demographic_parity_difference": ("selection_rate_difference",),
    "demographic_parity_ratio": ("selection_rate_ratio",),
    "equalized_odds_difference": ("true_positive_rate_difference", "false_positive_rate_difference"),
    "equalized_odds_ratio": ("true_positive_rate_ratio", "false_positive_rate_ratio"),
    "mean_absolute_error_ratio": ("reference_to_own_error_ratio",),
}
# Several labels: how often they are right, and the label whose share differs most between groups.
LABELS_BY_GROUP = ("accuracy",)
LABELS_BETWEEN = ("accuracy_difference", "accuracy_ratio", "label_share_difference")
# Numbers: what is predicted for a group, and how wrong that is.
NUMBERS_BY_GROUP = ("mean_prediction", "mean_error", "mean_absolute_error", "root_mean_squared_error")
NUMBERS_BETWEEN = (
    "mean_prediction_difference",
    "mean_error_difference",
    "mean_absolute_error_difference",
    "mean_absolute_error_ratio",
)
# The reference group's mean absolute error over the group's own: under 1, the group is the one that is served worse.
ERROR_RATIO = "reference_to_own_error_ratio"
FAIRNESS_OF = {
    "binary-classification": SELECTION,
    "multiclass-classification": (*LABELS_BY_GROUP, *LABELS_BETWEEN, *SELECTION),
    "regression": (*NUMBERS_BY_GROUP, *NUMBERS_BETWEEN, ERROR_RATIO, *SELECTION),
}

COUNTED = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews_correlation")
BASELINE = GUESSED, OVER_GUESSING = "majority_class_accuracy", "accuracy_over_majority"
RANKED = ("roc_auc", "average_precision", "top_decile_lift")
CALIBRATED = ("log_loss", "brier_score", "expected_calibration_error", "calibration_in_the_large")
AVERAGED = ("macro_precision", "macro_recall", "macro_f1")
ERRORS = ("mean_absolute_error", "root_mean_squared_error", "mean_error", "median_absolute_error", "r2")
PLAIN_ERRORS = ("median_guess_absolute_error", "absolute_error_under_median_guess")
OVER_PRODUCTION, UNDER_PRODUCTION = "accuracy_over_production", "absolute_error_under_production"
WORST_RIGHT, WORST_WRONG = "worst_slice_accuracy", "worst_slice_absolute_error"
PERFORMANCE_OF = {
    "binary-classification": (*COUNTED, *BASELINE, *RANKED, *CALIBRATED, WORST_RIGHT, OVER_PRODUCTION),
    "multiclass-classification": (
        *COUNTED,
        *AVERAGED,
        *BASELINE,
        "roc_auc",
        "log_loss",
        "brier_score",
        "expected_calibration_error",
        WORST_RIGHT,
        OVER_PRODUCTION,
    ),
    "regression": (*ERRORS, *PLAIN_ERRORS, WORST_WRONG, UNDER_PRODUCTION),
}

# Every metric of any task, for policies that speak of all of them.
FAIRNESS = tuple(dict.fromkeys(name for names in FAIRNESS_OF.values() for name in names))
PERFORMANCE = tuple(dict.fromkeys(name for names in PERFORMANCE_OF.values() for name in names))
REPRESENTATIVENESS = (
    "group_share",
    "share_over_population",
    "share_outside_population",
    "favourable_label_rate",
    "favourable_label_rate_difference",
    "label_share",
    "label_share_difference",
    "mean_target",
    "mean_target_difference",
    "missing_rate",
    "missing_rate_difference",
    "proxy_information",
)
LEAKAGE = OVERLAP, TRAINED_ON = "train_test_overlap", "share_of_test_rows_trained_on"
ROBUSTNESS = ("agreement_under_noise", "agreement_with_missing", "agreement_under_shift", "unsafe_model_files")
DRIFT = ("drift", "drift_p_value", "drifted_share")
