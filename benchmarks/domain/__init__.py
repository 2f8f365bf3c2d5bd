"""The program that the benchmarks run: accounts, and transfers between two of them."""
