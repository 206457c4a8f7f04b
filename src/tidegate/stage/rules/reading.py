"""Rules that are broken while files are read, before there are values to compare."""

from typing import Final

from tidegate.stage.rules.rule import Rule

unreadable = Rule(
    "TG001",
    "A file is a page of text",
    why="A stage file is UTF-8 text of at most 64 KiB, 2000 keys and values and 20 levels, so that reading a "
    "repository never takes long, whoever wrote it.",
    source="this project: src/tidegate/stage/limits.py",
    right="Save the file as UTF-8, and keep to what a stage needs.",
)
no_yaml = Rule(
    "TG002",
    "A file is a mapping in YAML",
    why="What cannot be read as YAML 1.2 has no meaning. The place is where the parser could not go on; the "
    "mistake is there or just before. Tabs do not indent in YAML.",
    source="YAML 1.2.2",
    right="Write `key: value` lines, indented with spaces, with brackets and quotes closed.",
)
more_than_values = Rule(
    "TG003",
    "A file holds values, and nothing that YAML has beyond them",
    why="Tags, anchors, aliases, merge keys, directives and several documents make a file say more than can be "
    "seen at one place of it, and aliases can make it explode. What stages share belongs into endpoint.yml.",
    source="this project: docs/stage-file.md",
    right="Write the value out, or put it into endpoint.yml once.",
)
bad_key = Rule(
    "TG004",
    "Each key is a word, and there once",
    why="Of two equal keys one would be passed over without a word.",
    source="YAML 1.2.2, section 3.2.1.3: keys are unique",
    right="Keep one of them.",
)
bad_text = Rule(
    "TG005",
    "A text is one line without control characters",
    why="Values go into names, tags and ARNs, which have no line breaks and no control characters. An environment "
    "variable alone may have several lines, and tabs in them. A number of more than 20 digits is a text that lost "
    "its quotes.",
    source="this project: src/tidegate/stage/limits.py",
    right="Write it in one line; >- folds longer text. Put digits that are text into quotes.",
)
file_name = Rule(
    "TG006",
    "A name leaves room for what comes after it",
    why="An endpoint is called {project.name}-{project.id}-{stage} and has at most 63 characters: 32 for the "
    "name, 20 for the id, 9 for the stage, and hyphens between them. Alarms (255), dashboards (255), "
    "monitoring schedules (63) and stacks (128) are named after these parts too.",
    source="botocore: EndpointName, ProjectEntityName, ProjectId; CloudFormation: stack names",
    right="Name a stage file with 1 to 9 lower-case letters and digits, starting with a letter, and .yml; keep to "
    "the project's own name and id.",
    keys=("project.name", "project.id"),
)
unknown_key = Rule(
    "TG007",
    "Every key is known",
    why="A key that nobody reads says something that does not happen. A misspelt one leaves the default in force.",
    source="docs/stage-file.md: all keys",
    right="Correct the key, or take it out. What only endpoint.yml says stands there.",
)
missing_key = Rule(
    "TG008",
    "What has no default is there",
    why="Where SageMaker has no default, or none that is right for everybody, the file says it: the instances, "
    "and how to release.",
    source="docs/stage-file.md: the keys that are required",
    right="Add the key to the stage, or to endpoint.yml for all stages.",
)
wrong_value = Rule(
    "TG009",
    "A value is what its key holds",
    why="Quantities carry their unit (10m, 25%, 250ms), accounts are in quotes, names and ARNs have the form that "
    "AWS takes, numbers are within what SageMaker allows. A value that is nearly right would be refused by "
    "AWS later, or be read as something else.",
    source="botocore's patterns and bounds, each named in src/tidegate/stage/limits.py",
    right="Write it as the message says.",
)

RULES: Final = (
    unreadable,
    no_yaml,
    more_than_values,
    bad_key,
    bad_text,
    file_name,
    unknown_key,
    missing_key,
    wrong_value,
)
