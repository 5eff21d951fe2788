"""What the end-to-end tests are made of: processes, providers, callers and sweepers."""
