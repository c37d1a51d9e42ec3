"""Where trades are kept on disk."""
