"""Rules and how they stand, what fired, and where it was sent."""
