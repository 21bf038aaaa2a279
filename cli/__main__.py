"""Where `millrace` begins: some commands start with their own module alone, all others with the whole program.

`data push`, `get` and `status` are typed all day and run in loops; what the rest needs takes longer to import than they
take to look at a folder of thousands of files.
"""

import sys
from gc import freeze, set_threshold

import typer

from cli.examples import dress
from cli.nouns import transfers
from cli.program import new_program

ALONE = {("data", "push"), ("data", "get"), ("data", "status")}


def main() -> None:
    program_for(sys.argv[1:])()


def program_for(words: list[str]) -> typer.Typer:
    """The program, or so much of it as this command needs."""
    if tuple(words[:2]) not in ALONE:
        from cli.main import app as whole  # noqa: PLC0415  # which is what the others need not wait for

        return whole
    app = new_program()
    app.add_typer(transfers.noun.app, name="data")
    dress(app)
    freeze()  # as in `cli.main`
    set_threshold(50_000)  # what describes thousands of files is no garbage either
    return app


if __name__ == "__main__":
    main()
