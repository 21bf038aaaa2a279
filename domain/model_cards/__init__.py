"""Model cards: what is known of a version, its history, and several versions side by side.

Facts only, put together from the rows of other nouns; what people say about a model stands beside them as theirs.
"""
