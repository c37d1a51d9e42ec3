"""Files that people bring, the same analytics, and the results to take away."""
