"""What every room of the library stands on: array types, checks of parameters, compilation."""
