"""Every service is replaced by a new process while customers write, the way Kubernetes rolls."""
