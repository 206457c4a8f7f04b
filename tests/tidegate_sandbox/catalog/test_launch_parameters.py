"""What a product is launched with, against what its template declares."""

import pytest

from tidegate_sandbox.services.catalog.launch_parameters import problems

DECLARED = {
    "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "MaxLength": 5},
    "Size": {"Type": "Number", "MinValue": 1, "MaxValue": 9, "Default": 1},
    "Stage": {"Type": "String", "AllowedValues": ["staging", "prod"], "Default": "prod"},
    "Subnets": {"Type": "CommaDelimitedList", "AllowedPattern": "subnet-[0-9]", "Default": ""},
}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"Name": "demo", "Size": "5", "Stage": "staging", "Subnets": "subnet-1, subnet-2"}, None),
        ({}, "Parameters: [Name] must have values"),
        ({"Name": "demo", "Colour": "blue"}, "Parameters: [Colour] do not exist in the template"),
        ({"Name": "{{7}}"}, "Parameter 'Name' failed to satisfy constraint: must match pattern [a-z]+"),
        ({"Name": "abc\n"}, "Parameter 'Name' failed to satisfy constraint: must match pattern [a-z]+"),
        ({"Name": "abcdef"}, "Parameter 'Name' failed to satisfy constraint: must contain at most 5 characters"),
        (
            {"Name": "a", "Size": "10"},
            "Parameter 'Size' failed to satisfy constraint: must be a number not greater than 9",
        ),
        ({"Name": "a", "Size": "many"}, "Parameter 'Size' failed to satisfy constraint: must be a number"),
        (
            {"Name": "a", "Stage": "dev"},
            "Parameter 'Stage' failed to satisfy constraint: must be one of AllowedValues [staging, prod]",
        ),
        (
            {"Name": "a", "Subnets": "subnet-1,vpc-1"},
            "Parameter 'Subnets' failed to satisfy constraint: must match pattern subnet-[0-9]",
        ),
    ],
)
def test_launch_parameters_are_held_to_their_declarations(given, sentence):
    assert problems({"Parameters": DECLARED}, given) == ([sentence] if sentence else [])


TOGETHER = {
    "Parameters": {name: {"Type": "String", "Default": ""} for name in ("One", "Other")},
    "Rules": {
        "Both": {
            "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "One"}, "alone"]}]},
            "Assertions": [
                {
                    "Assert": {
                        "Fn::Or": [
                            {"Fn::And": [{"Fn::Equals": [{"Ref": name}, ""]} for name in ("One", "Other")]},
                            {
                                "Fn::And": [
                                    {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in ("One", "Other")
                                ]
                            },
                        ]
                    },
                    "AssertDescription": "Give both, or none.",
                }
            ],
        }
    },
}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"One": "a", "Other": "b"}, []),
        ({"One": "alone"}, []),
        ({"One": "a"}, ["Rule Both: Give both, or none."]),
        ({"Other": "b"}, ["Rule Both: Give both, or none."]),
    ],
)
def test_launch_parameters_are_held_to_the_rules_of_their_template(given, found):
    assert problems(TOGETHER, given) == found
