"""What the tests of a project import."""
