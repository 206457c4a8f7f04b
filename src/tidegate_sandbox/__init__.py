"""AWS on a laptop, for what Tidegate needs of it. Nothing that happens here proves what AWS does."""
