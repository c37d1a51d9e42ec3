"""Orders, what they cost, a broker that fills them at real trades, the account."""
