"""The commands verify, replay and hermetic."""
