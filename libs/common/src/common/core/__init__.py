"""Pure: contacts, events, ids, topics. No I/O."""
