"""Publishing: the templates and the seed bundle brought into an account by boto3 alone, and taken back."""
