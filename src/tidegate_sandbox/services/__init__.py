"""One module (or package) an AWS service. Importing a module registers its operations and resource types."""
