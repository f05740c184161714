"""What goes into an image, what stays out, and the list of it."""
