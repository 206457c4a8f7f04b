"""Upgrading a project: its infrastructure from here, the code of its repositories from the seed bundle."""
