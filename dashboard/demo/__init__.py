"""A small shop with background work of every kind, to see Headway by."""
