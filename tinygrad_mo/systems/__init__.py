"""The networks of the seed documents, each a short builder with the data it trains on."""
