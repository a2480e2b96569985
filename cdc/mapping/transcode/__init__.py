"""Generated functions: row images in, BSON documents out."""
