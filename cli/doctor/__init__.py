"""`millrace doctor`: what is wrong with an installation, why, and the command that mends it.

`machine` looks at this machine, `services` has the parts of the settings looked at by processes of the API's and the
migrations' floors, `server` asks the server. Each gives findings; none changes anything.
"""
