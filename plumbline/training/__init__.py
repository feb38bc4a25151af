"""Fitting the recipe, and cross-validation."""
