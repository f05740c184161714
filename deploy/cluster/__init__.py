"""A Kubernetes API server of our own, to hold the chart to: etcd and kube-apiserver, without nodes or controllers."""
