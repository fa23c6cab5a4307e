"""Plans for small arrays, traced once and then replayed, with the same numbers.

`tracing` writes down what NumPy does, `plan` replays it, `program` does so in one call of C. On a
GPU, work of any size is `captured` and then launched as a whole.
"""
