"""Goodbye to a project: runs in its account when it is deleted, from the seed bundle, with boto3 and git alone.

The build unpacks this package beside nothing else of the product, so it imports nothing else of it.
"""
