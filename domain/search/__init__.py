"""Search: what is called like this? Over the names of everything that has one, and the ids of runs and promotions."""
