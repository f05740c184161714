// Command etcd is the store of the API server: go.etcd.io/etcd as it is, in the version that Kubernetes is tested with.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
