"""The model-build pipeline: what it is (pipeline), how it is compiled (compilation), how it is run (release, local)."""
