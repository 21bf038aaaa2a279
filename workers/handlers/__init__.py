"""One module per noun: how its jobs are done. `table` says which handler does which job."""
