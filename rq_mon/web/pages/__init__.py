"""The pages, each from its facts to its template."""
