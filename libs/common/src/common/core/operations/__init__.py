"""What an operator's tools decide: how far behind, what differs, what a letter says, what to do first."""
