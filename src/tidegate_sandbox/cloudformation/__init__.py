"""What CloudFormation refuses of a template before, and while, it makes anything of it.

`references` looks at a template as a whole, `properties` at one resource once what it refers to is known.
"""
