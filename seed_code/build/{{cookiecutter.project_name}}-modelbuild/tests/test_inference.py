import json
from pathlib import Path

import numpy as np
import pytest

xgboost = pytest.importorskip("xgboost", reason="xgboost is in requirements-dev.txt")
import inference  # noqa: E402

ROWS = [[8, 0, 1, 1, 0.24, 0.28, 0.81, 0.0, 0], [17, 0, 5, 1, 0.5, 0.48, 0.4, 0.1, 2]]
CSV_BODY = "\n".join(",".join(map(str, row)) for row in ROWS)
JSON_BODY = json.dumps({"instances": ROWS})


@pytest.fixture(scope="module")
def booster(tmp_path_factory: pytest.TempPathFactory) -> xgboost.Booster:
    generator = np.random.default_rng(1)
    rows = generator.random((200, len(inference.FEATURES)))
    trained = xgboost.train(
        {"objective": "count:poisson"},
        xgboost.DMatrix(rows, label=np.round(rows[:, 0] * 100)),
        num_boost_round=5,
    )
    folder: Path = tmp_path_factory.mktemp("model")
    trained.save_model(folder / "model.json")
    return inference.model_fn(str(folder))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(CSV_BODY, "text/csv"), (CSV_BODY.encode(), "text/csv; charset=utf-8"), (JSON_BODY, "application/json")],
)
def test_both_content_types_carry_the_same_rows(body: bytes | str, content_type: str) -> None:
    assert inference.input_fn(body, content_type).tolist() == ROWS


def test_the_answer_is_what_the_model_predicts_to_the_last_digit(booster: xgboost.Booster) -> None:
    expected = booster.predict(xgboost.DMatrix(np.array(ROWS))).astype(float).tolist()
    prediction = inference.predict_fn(inference.input_fn(CSV_BODY, "text/csv"), booster)
    as_csv, csv_type = inference.output_fn(prediction, "text/csv")
    as_json, json_type = inference.output_fn(prediction, "application/json")
    assert [float(line) for line in as_csv.splitlines()] == json.loads(as_json)["predictions"] == expected
    assert (csv_type, json_type) == ("text/csv", "application/json")


def test_one_row_may_be_sent_alone() -> None:
    assert inference.input_fn(CSV_BODY.splitlines()[0], "text/csv").shape == (1, len(ROWS[0]))


def test_who_accepts_anything_gets_csv(booster: xgboost.Booster) -> None:
    prediction = inference.predict_fn(np.array(ROWS), booster)
    assert inference.output_fn(prediction, "*/*")[1] == "text/csv"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "text/csv"),
        ("8,0,1", "text/csv"),
        ("eight,0,1,1,0.24,0.28,0.81,0.0,0", "text/csv"),
        ("{", "application/json"),
        ('{"rows": []}', "application/json"),
        ('{"instances": [[1], [1, 2]]}', "application/json"),
        ('{"instances": null}', "application/json"),
        ("[]", "application/json"),
    ],
)
def test_a_bad_body_is_the_callers_mistake(body: str, content_type: str) -> None:
    with pytest.raises(inference.BadRequest) as refused:
        inference.input_fn(body, content_type)
    assert refused.value.status_code == 400


def test_another_content_type_is_refused_with_what_is_served() -> None:
    with pytest.raises(inference.BadRequest, match="send text/csv or application/json") as refused:
        inference.input_fn(b"", "application/x-npy")
    assert refused.value.status_code == 415
