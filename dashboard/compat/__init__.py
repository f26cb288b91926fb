"""Stand-ins for what other packages offer a project's pages."""
