"""Figures: one program a subject, each comparing side by side in one run."""
