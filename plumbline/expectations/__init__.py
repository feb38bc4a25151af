"""Expectation suites: checking, drafting, formatting."""
