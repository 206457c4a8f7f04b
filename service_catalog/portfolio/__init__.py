"""The portfolio: what a platform engineer publishes, so that people find the product and may launch it."""
