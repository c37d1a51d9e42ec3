"""The live channel: what figures show as numbered messages, and the WebSocket that carries them."""
