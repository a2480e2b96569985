"""What documents that embed others cost: inserts, arrays, a change that reaches many."""
