"""A graph of layers between inputs and outputs.

`network` is the graph itself, `contents` what belongs to it, `rewiring` the same steps once more,
`feeding` what is fed, `planning` which plan it runs on, `summary` its table.
"""
