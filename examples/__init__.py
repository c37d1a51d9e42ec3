"""Scripts to start from, run by the tests: python -m examples.spark_streaming."""
