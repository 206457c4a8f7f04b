"""What `train` is in the images of SageMaker's frameworks, by a Python that knows nothing of the sandbox.

Its arguments are the framework and the version of the image.
"""

import importlib
import sys

if __name__ == "__main__":
    importlib.import_module("toolkit.training").train(*sys.argv[1:])
