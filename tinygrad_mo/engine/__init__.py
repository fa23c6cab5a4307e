"""How gradients flow. `graph`: the graph is data; `plan`: a plan is made once, a tape is a value.

`operators` are what can be written with tensors, `functions` those of NumPy, with `shapes` and
`matrices`. `calls` say to which use of a layer a step belongs, `masks` follow padding, `randomness`
lets random numbers be drawn again, `eager` sweeps what ran at once, `copying` copies it, `nodes` is
the graph as people see it.
"""
