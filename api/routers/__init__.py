"""One router per noun. A route parses, calls one service or query, and answers."""
