"""The whole journey against a running sandbox, through the same AWS calls that a person's clients would make."""
