"""What operators ask of a stream: jobs, followed to their end, and the step over a transaction."""
