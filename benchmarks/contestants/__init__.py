"""The programs that are compared, one module each."""
