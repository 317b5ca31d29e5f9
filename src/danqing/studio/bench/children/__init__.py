"""Programs that the bench starts as fresh processes. Each leaves its findings in a file."""
