"""The package that the stages of a project call: training, evaluation, reviews and reproducibility."""

__version__ = "0.2.0"
