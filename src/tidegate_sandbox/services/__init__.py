"""One module (or package) an AWS service. Importing a module registers its operations; `install` does the rest."""


def install() -> None:
    """Serve every service of the sandbox; `context.start` must have been called."""
    from tidegate_sandbox.services import (
        alarms,
        autoscaling,
        catalog,
        codebuild,
        codecommit,
        codepipeline,
        connections,
        endpoints,
        monitoring,
        pipelines,
        projects,  # noqa: F401 - importing registers its operations
        quotas,
        registry,
        sagemaker,
        stack_sets,
        studio,  # noqa: F401 - importing registers its operations
    )

    for service in (
        catalog, registry, pipelines, endpoints, monitoring, alarms, autoscaling, codecommit, connections, codebuild,
        codepipeline, quotas, sagemaker, stack_sets,
    ):  # fmt: skip
        service.install()
