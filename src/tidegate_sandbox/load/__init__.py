"""Load on demand: real requests to an endpoint at a rate that does not wait for answers, and what became of them.

`rates` says when requests are due, `rows` what they hold, `sender` sends them and `report` tells of the answers by who
gave them. It asks whatever `target` finds: the running sandbox, or any endpoint that AWS's own settings name.
"""
