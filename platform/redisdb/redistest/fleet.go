package redistest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"anihub/test/loopbacktest"
)

const slots = 16384

// Cluster is a Redis Cluster of masters without replicas.
type Cluster struct {
	Nodes []*Server
	t     testing.TB
}

// StartCluster runs n masters that share the slots and returns when they agree.
func StartCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range n {
		c.Nodes = append(c.Nodes, Start(t, Args("--cluster-enabled", "yes",
			"--cluster-node-timeout", "1000", "--cluster-port", strconv.Itoa(loopbacktest.Port(t)))))
	}
	for i, node := range c.Nodes {
		node.Do("cluster", "addslotsrange", i*slots/n, (i+1)*slots/n-1)
		if i > 0 {
			ports, ok := node.Do("config", "get", "cluster-port").(map[any]any)
			if !ok {
				t.Fatal("the node does not tell its cluster port")
			}
			bus := ports["cluster-port"]
			c.Nodes[0].Do("cluster", "meet", "127.0.0.1", node.port, bus)
		}
	}
	for _, node := range c.Nodes {
		node.until("the cluster agrees", func() bool {
			info, _ := node.Do("cluster", "info").(string)
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(n))
		})
	}
	return c
}

// URL names all nodes.
func (c *Cluster) URL() string {
	addrs := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		addrs[i] = n.Addr()
	}
	return "redis://" + strings.Join(addrs, ",")
}

// Client is a Cluster client, closed when the test ends.
func (c *Cluster) Client() redis.UniversalClient {
	c.t.Helper()
	return Open(c.t, c.URL())
}

// Sentinel is one sentinel that watches a master and its replica.
type Sentinel struct {
	Master, Replica *Server
	sentinel        *Server
}

// StartSentinel runs a master, a replica in step with it and a sentinel that
// promotes the replica when the master is gone for half a second.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	master := Start(t)
	replica := Start(t, Args("--replicaof", "127.0.0.1 "+strconv.Itoa(master.port)))
	replica.until("the replica is in step", func() bool {
		info, _ := replica.Do("info", "replication").(string)
		return strings.Contains(info, "master_link_status:up")
	})
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	lines := []string{
		"sentinel monitor main 127.0.0.1 " + strconv.Itoa(master.port) + " 1",
		"sentinel down-after-milliseconds main 500",
		"sentinel failover-timeout main 2000",
	}
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: binary(t), dir: t.TempDir(), port: loopbacktest.Port(t), conf: conf}
	t.Cleanup(s.Kill)
	if !s.launch() {
		t.Fatal("redistest: the sentinel does not start")
	}
	s.until("the sentinel knows the replica", func() bool {
		info, _ := s.Do("info", "sentinel").(string)
		return strings.Contains(info, "status=ok") && strings.Contains(info, "slaves=1")
	})
	return &Sentinel{Master: master, Replica: replica, sentinel: s}
}

// URL is what goes into platform.storage.redis.url.
func (s *Sentinel) URL() string { return "redis+sentinel://" + s.sentinel.Addr() + "/main" }

// Client follows the master, wherever it is; closed when the test ends.
func (s *Sentinel) Client() redis.UniversalClient {
	s.sentinel.t.Helper()
	return Open(s.sentinel.t, s.URL())
}

// until polls a server that has no other way to tell.
func (s *Server) until(what string, ok func() bool) {
	s.t.Helper()
	for range 1500 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("redistest: waited in vain until %s", what)
}
