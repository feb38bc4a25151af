"""Sources, tables, types, roles, the schema and the split."""
