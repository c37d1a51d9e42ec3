"""What several pages use: controls, cards, charts, uploads, the running system."""
