"""One module per noun: what clients send (`Create`, `Update`) and get (`Read`)."""
