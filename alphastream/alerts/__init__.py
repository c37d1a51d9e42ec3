"""Alert rules: what is measured and when it is worth telling."""
