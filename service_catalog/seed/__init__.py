"""The seed bundle: what the launch-time build job runs. `seed.py` also serves the checkout, through here."""

from service_catalog.seed.seed import CONTEXT_KEYS, SeedError, bake

__all__ = ["CONTEXT_KEYS", "SeedError", "bake"]
