"""The statement of applicability: every control with decision, reasons and computed state; its formats and versions."""
