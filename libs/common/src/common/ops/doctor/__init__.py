"""`doctor`: looks at every setting and at everything that a service needs, and says what to do."""
