"""Values that cross from one package to another: no input or output, no driver."""
