"""Models in operation: monitoring, and checks of data without training code."""
