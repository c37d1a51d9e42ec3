"""The health page: what the process does, what it keeps, and how late."""
