"""What the model's package contains: predictor, model file, golden rows, command."""
