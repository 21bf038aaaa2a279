"""Tables made from tables: recipes carried out, and recorded traffic joined with its truth.

`build` walks a recipe's steps; each family of steps has a module, and `kinds` says which function does which step.
Equal inputs give equal rows in equal order.
"""
