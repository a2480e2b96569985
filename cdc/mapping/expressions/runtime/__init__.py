"""Functions that generated code calls: values in, values out."""
