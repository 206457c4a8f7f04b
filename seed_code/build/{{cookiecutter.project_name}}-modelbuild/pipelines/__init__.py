"""The model-build pipeline: what it is (pipeline), how it is compiled (compilation) and how it is run (release, local)."""
