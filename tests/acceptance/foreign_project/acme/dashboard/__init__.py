"""The project's own dashboard, which has nothing to do with Headway's."""
