"""What is asked of a source beside its binlog and its rows."""
