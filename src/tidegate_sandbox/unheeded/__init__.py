"""What ministack takes and passes over: told or refused, as has been decided of each operation, member and property."""
