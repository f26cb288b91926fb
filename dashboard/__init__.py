"""The people's side of Headway: a Django app."""
