"""The data checks, one module per kind, and `suite`, which runs a whole suite in one pass over the table.

A kind is a function `plan(spec, table) -> Plan`: which aggregates it wants, and how it judges them.
`suite.KINDS` says which function answers for which kind; how to add one: docs/how-to/add-a-check.md.
"""
