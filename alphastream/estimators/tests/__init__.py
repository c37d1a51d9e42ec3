"""Statistical tests of whole series: one file a test."""
