"""The names that the publisher and the hubs share on a channel layer."""

GROUP = "headway.batches"
"""Every hub is a member, and nobody else."""
BATCH = "headway.batch"
RIGHTS = "headway.rights"
"""The types of its messages."""
MAX_MESSAGE_BYTES = 1024 * 1024
