"""The first page: what a spread is, in three pictures of the recording, and three ways to begin."""
