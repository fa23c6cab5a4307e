"""Our networks as source code for other frameworks: to read, and to go on with."""
