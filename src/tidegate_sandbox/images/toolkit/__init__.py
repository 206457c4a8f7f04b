"""Stands in for the training toolkit in the images of SageMaker's frameworks: a package of its own, run as a job.

It needs the standard library and, for a framework's own algorithm, that framework. What it follows is documented in
https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html, .../xgboost_hyperparameters.html and the README of
https://github.com/aws/sagemaker-training-toolkit.
"""
