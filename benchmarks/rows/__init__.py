"""What is measured: one row of the table a module, each a function from the running servers to its rows."""
