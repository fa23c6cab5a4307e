"""Models, weights and trainings in files.

`archive` writes and reads arrays, `records` says a model as plain values, `checkpoint` where its
training stands; `exchange` writes for other frameworks, with the table in `layouts`.
"""
