"""The entry point of the stand-in for Model Monitor's analyser, by a Python that knows nothing of the sandbox."""

import importlib
import os

if __name__ == "__main__":
    importlib.import_module("analyser.analysis").analyse(os.environ)
