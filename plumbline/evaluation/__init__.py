"""Baselines, slices, curves, importance, behaviour tests and requirements."""
