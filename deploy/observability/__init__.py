"""What people and Prometheus look at: dashboards, alert rules, and the page of metrics."""
