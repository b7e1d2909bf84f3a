"""Exports of evidence in files for other parties."""
