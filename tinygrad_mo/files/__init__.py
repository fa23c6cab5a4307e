"""Models, weights and trainings in files.

`archive` writes and reads arrays. `language` says how plain values say what a model is (`schema`
checks them), `writing` makes them of a model, `reading` a model of them (`parts` says what a layer
brings along). `checkpoint` adds where its training stands, `identity` which training it is, where
`code` compares what is not of this package. `exchange` writes for other frameworks, with the table
in `layouts`.
"""
