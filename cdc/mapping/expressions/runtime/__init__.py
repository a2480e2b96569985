"""What the generated functions call: values in, values out."""
