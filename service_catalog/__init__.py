"""What a platform team publishes: the portfolio, the product, and the project that one launch creates."""
