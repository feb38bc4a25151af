"""The wheel and the model card."""
