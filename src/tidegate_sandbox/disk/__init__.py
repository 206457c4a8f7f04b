"""What a sandbox takes of the disk: measured (`use`), bounded (`limits`, `tidying`), and told of where it is much.

What a sandbox makes for itself is removed as `limits` says: the oldest first, and never what is in use. What people
put there (objects, repositories) is theirs to delete: above `limits.TOLD_FROM` it is said what takes most.
"""
