"""People and systems that write to us, as their providers deliver them: for the demo, load and crash tests."""
