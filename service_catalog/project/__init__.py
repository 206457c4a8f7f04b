"""The project: everything that one launch of the product creates, as one CloudFormation stack without assets."""
