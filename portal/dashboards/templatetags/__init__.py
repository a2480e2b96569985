"""What templates of the pages can say besides Django's own."""
