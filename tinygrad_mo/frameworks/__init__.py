"""Networks of other frameworks, and ours as source code for them."""
