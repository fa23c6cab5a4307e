"""Plans for small arrays, traced once and then replayed, with the same numbers.

`tracing` writes down what NumPy does, `plan` replays it, `program` does so in one call of C.
"""
