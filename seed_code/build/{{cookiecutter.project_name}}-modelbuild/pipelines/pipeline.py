"""The pipeline: process → train → evaluate → good enough? → register, or fail with the metric.

Importing this takes seconds (the SageMaker SDK), so only `compilation` does.
"""

from sagemaker.core import image_uris
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow import (
    CacheConfig,
    ConditionStep,
    FailStep,
    ModelStep,
    Pipeline,
    ProcessingStep,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
    TrainingStep,
)
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.configs import (
    Compute,
    InputData,
    Networking,
    OutputDataConfig,
    SourceCode,
    StoppingCondition,
)

from pipelines.session import CollectingSession, Trainer
from pipelines.settings import ROOT, Project, Settings

STEPS = ROOT / "steps"
XGBOOST = "3.2-0"  # Python 3.12, xgboost 3.2.0, pandas 2.2.3, numpy 2.1.0: requirements.in follows it
LONGEST_JOB = 3600  # seconds
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
SERVICE_RETRY = StepRetryPolicy(
    [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=10,
    max_attempts=5,
)
JOB_RETRY = SageMakerJobStepRetryPolicy(
    [SageMakerJobExceptionTypeEnum.CAPACITY_ERROR, SageMakerJobExceptionTypeEnum.INTERNAL_ERROR],
    interval_seconds=60,
    expire_after_mins=60,
)
JOB = {"cache_config": CACHE, "retry_policies": [SERVICE_RETRY, JOB_RETRY]}


def build_pipeline(
    project: Project, settings: Settings, session: CollectingSession, root: str, data_url: str
) -> Pipeline:
    """Return the pipeline. `root` is the S3 URI that runs write under, `data_url` the default of InputDataUrl.

    What a run may change is a parameter, with pipeline.yml's value as its default.
    """
    input_data = ParameterString("InputDataUrl", default_value=data_url)
    from_month = ParameterInteger("FromMonth", default_value=settings.data.from_month)
    to_month = ParameterInteger("ToMonth", default_value=settings.data.to_month)
    max_depth = ParameterInteger("MaxDepth", default_value=settings.training.max_depth)
    eta = ParameterFloat("Eta", default_value=settings.training.eta)
    num_round = ParameterInteger("NumRound", default_value=settings.training.num_round)
    max_rmse = ParameterFloat("MaxRmse", default_value=settings.gate.max_rmse)
    processing_instance = ParameterString("ProcessingInstanceType", default_value=settings.instances.processing)
    training_instance = ParameterString("TrainingInstanceType", default_value=settings.instances.training)
    approval = ParameterString(
        "ModelApprovalStatus",
        default_value=settings.approval_status,
        enum_values=["PendingManualApproval", "Approved", "Rejected"],
    )
    commit = ParameterString("GitCommit", default_value="unknown")

    own = f"{project.image_repository}:{settings.image}" if settings.image else None
    image = own or image_uris.retrieve("xgboost", project.region, version=XGBOOST)
    run = [f"{root}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID]
    owner = {"role": project.execution_role_arn, "sagemaker_session": session}

    def processor(name: str) -> ScriptProcessor:
        return ScriptProcessor(
            image_uri=image,
            command=["python3"],
            instance_type=processing_instance,
            instance_count=1,
            volume_kms_key=project.kms_key_arn,
            output_kms_key=project.kms_key_arn,
            max_runtime_in_seconds=LONGEST_JOB,
            base_job_name=name,
            network_config=NetworkConfig(
                enable_network_isolation=True,
                subnets=list(project.subnets) or None,
                security_group_ids=list(project.security_groups) or None,
            ),
            **owner,
        )

    process = ProcessingStep(
        "Process",
        step_args=processor("process").run(
            code=str(STEPS / "process.py"),
            arguments=["--from-month", from_month.to_string(), "--to-month", to_month.to_string()],
            inputs=[_input("input", input_data)],
            outputs=[_output(name, run) for name in ("train", "validation", "test")],
        ),
        **JOB,
    )
    train = TrainingStep(
        "Train",
        step_args=Trainer(
            training_image=image,
            base_job_name="train",
            source_code=SourceCode(source_dir=str(STEPS / "train"), entry_script="train.py"),
            compute=Compute(
                instance_type=training_instance,
                instance_count=1,
                volume_size_in_gb=30,
                volume_kms_key_id=project.kms_key_arn,
            ),
            networking=Networking(
                enable_network_isolation=True,
                subnets=list(project.subnets) or None,
                security_group_ids=list(project.security_groups) or None,
            ),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=LONGEST_JOB),
            output_data_config=OutputDataConfig(s3_output_path=f"{root}/models", kms_key_id=project.kms_key_arn),
            hyperparameters={
                "max_depth": max_depth.to_string(),
                "eta": eta.to_string(),
                "num_round": num_round.to_string(),
            },
            input_data_config=[
                InputData(channel_name=name, data_source=_output_uri(process, name), content_type="text/csv")
                for name in ("train", "validation")
            ],
            **owner,
        ).train(),
        **JOB,
    )
    model = train.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor("evaluate").run(
            code=str(STEPS / "evaluate.py"),
            inputs=[_input("model", model), _input("test", _output_uri(process, "test"))],
            outputs=[_output("evaluation", run)],
        ),
        property_files=[report],
        **JOB,
    )
    rmse = JsonGet(step_name=evaluate.name, property_file=report, json_path="regression_metrics.rmse.value")

    register = ModelStep(
        "Register",
        step_args=ModelBuilder(
            image_uri=image,
            s3_model_data_url=model,
            role_arn=project.execution_role_arn,
            sagemaker_session=session,
            # train.py packed the serving code into the artefact, so nothing has to be repacked.
            env_vars={
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        ).register(
            model_package_group_name=project.model_package_group,
            approval_status=approval,
            content_types=["text/csv", "application/json"],
            response_types=["text/csv", "application/json"],
            inference_instances=list(settings.instances.inference),
            transform_instances=list(settings.instances.inference),
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(
                    content_type="application/json",
                    s3_uri=Join(on="/", values=[_output_uri(evaluate, "evaluation"), "evaluation.json"]),
                )
            ),
            description=Join(
                on="",
                values=["Months ", from_month, " to ", to_month, ", RMSE ", rmse, ", commit ", commit],
            ),
            customer_metadata_properties={
                "GitCommit": commit,
                "FromMonth": from_month.to_string(),
                "ToMonth": to_month.to_string(),
                "Rmse": Join(on="", values=[rmse]),
                "InputDataUrl": input_data,
            },
        ),
        retry_policies=[SERVICE_RETRY],
    )
    too_weak = FailStep(
        "TooWeak",
        error_message=Join(
            on="",
            values=[
                "RMSE ",
                rmse,
                " on the newest rows of months ",
                from_month,
                " to ",
                to_month,
                " is above the limit of ",
                max_rmse,
                " (gate.max_rmse in pipeline.yml): no model was registered",
            ],
        ),
    )
    good_enough = ConditionStep(
        "GoodEnough",
        conditions=[ConditionLessThanOrEqualTo(left=rmse, right=max_rmse)],
        if_steps=[register],
        else_steps=[too_weak],
    )
    return Pipeline(
        project.pipeline,
        parameters=[
            input_data,
            from_month,
            to_month,
            max_depth,
            eta,
            num_round,
            max_rmse,
            processing_instance,
            training_instance,
            approval,
            commit,
        ],
        steps=[process, train, evaluate, good_enough],
        pipeline_experiment_config=None,  # or every run would create an experiment and a trial
        sagemaker_session=session,
    )


def _input(name: str, uri: object) -> ProcessingInput:
    """Mount the objects at `uri` as /opt/ml/processing/NAME."""
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"/opt/ml/processing/{name}",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="FullyReplicated",
        ),
    )


def _output(name: str, run: list[object]) -> ProcessingOutput:
    """Upload /opt/ml/processing/NAME to the run's own folder when the job ends."""
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=Join(on="/", values=[*run, name]),
            local_path=f"/opt/ml/processing/{name}",
            s3_upload_mode="EndOfJob",
        ),
    )


def _output_uri(step: ProcessingStep, name: str) -> object:
    """Refer to where a processing step's output will be."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
