"""The functions that the stage files call, a module for each stage."""
