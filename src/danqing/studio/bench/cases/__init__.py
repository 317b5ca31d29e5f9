"""What is measured, one module a subject. Each gives one section of the report."""
