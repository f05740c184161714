"""AWS End User Messaging: two-way SMS through Amazon SNS."""
