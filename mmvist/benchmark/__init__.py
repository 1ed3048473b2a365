"""The paper's two tables as experiments: rows, runs, comparison, report."""
