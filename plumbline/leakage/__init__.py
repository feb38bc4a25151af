"""Leakage checks of features, and of the function in src/features.py."""
