"""Made-up shoppers with known click rates, and a small recommender that serves them through the HTTP API."""
