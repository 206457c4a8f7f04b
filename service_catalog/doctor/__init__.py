"""The doctor: looks, before publishing or launching, for what would fail later, and says what would help."""
