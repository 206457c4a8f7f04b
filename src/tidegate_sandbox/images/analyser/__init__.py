"""Stands in for Model Monitor's analyser: a package of its own, standard library only, run as a processing job.

Reads what an endpoint captured, holds it against a baseline, and writes what the documents say that AWS's container
writes: statistics.json, constraints.json, constraint_violations.json, metrics, and the job's exit message. What the
documents leave open (how a distance of distributions comes about, how texts read) is its own.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html, ...-contract-outputs.html,
...-byoc-constraints.html, ...-interpreting-violations.html, ...-model-quality-metrics.html
"""
