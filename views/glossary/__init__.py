"""The glossary page: the words that pages use, each with an address of its own."""
