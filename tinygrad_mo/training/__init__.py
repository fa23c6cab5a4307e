"""How a model learns.

`objective` is what it shall learn, with its `terms`; `data` and `batches` are what it learns from,
`step` is one training step, `fitting` a whole training, `scores` what is counted meanwhile.
"""
