"""Who may do what: tokens, roles and scopes. A token is kept only as a hash."""
