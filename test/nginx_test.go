package test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"anihub/platform/anilibria/anilibriatest"
	"anihub/platform/documents/mongowiretest"
	"anihub/platform/redisdb/redistest"
	"anihub/test/loopbacktest"
)

// proxy is a real nginx with deploy/fleet/nginx.conf.
type proxy struct {
	t       *testing.T
	url     string
	grafana string // where it serves what is no AniHub
	out     *output
	cmd     *exec.Cmd
}

// startNginx runs nginx in front of instances, host:port, until the test ends. Of the file
// nothing is changed but addresses, where it may write, and what edit does.
func startNginx(t *testing.T, instances []string, edit func(conf string) string) *proxy {
	t.Helper()
	site, grafana, dir := loopbacktest.Addr(t), loopbacktest.Addr(t), t.TempDir()
	conf := edit(fleetConf(t, site, grafana, dir, instances))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	global := "daemon off;"
	if os.Getuid() == 0 {
		global += " user root;" // the directory is this user's
	}
	p := &proxy{t: t, url: "http://" + site, grafana: "http://" + grafana, out: &output{}}
	p.cmd = exec.CommandContext(context.Background(), nginxProgram(t), "-p", dir, "-e", "stderr", "-c", file, "-g", global)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it ends its workers, which a kill would leave
		<-exited
		if t.Failed() {
			t.Logf("nginx wrote:\n%s", tail(p.out.String(), 4000))
		}
	})
	eventually(t, "nginx listens", func() bool {
		select {
		case <-exited:
			t.Fatalf("nginx ended: %s", p.out)
		default:
		}
		c, err := net.Dial("tcp", site)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return p
}

func asItIs(conf string) string { return conf }

func nginxProgram(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("/usr/sbin/nginx"); err == nil { // not on everybody's PATH
		return path
	}
	return need(t, "nginx")
}

// fleetConf is the file with addresses of this machine, and only as many instances as there
// are.
func fleetConf(t *testing.T, site, grafana, dir string, instances []string) string {
	t.Helper()
	b, err := os.ReadFile("../deploy/fleet/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := string(b)
	put := func(old, now string) {
		t.Helper()
		if !strings.Contains(conf, old) {
			t.Fatalf("deploy/fleet/nginx.conf has no %q", old)
		}
		conf = strings.ReplaceAll(conf, old, now)
	}
	for i, name := range []string{"anihub1", "anihub2", "anihub3"} {
		if i < len(instances) {
			put("server "+name+":8080 ", "server "+instances[i]+" ")
		} else {
			put("server "+name+":8080 ", "# ")
		}
	}
	put("listen 80 ", "listen "+site+" ")
	put("listen 3000;", "listen "+grafana+";")
	put("http://grafana:3000", "http://"+instances[0])
	put("/tmp/nginx", filepath.Join(dir, "nginx"))
	return conf
}

// front is nginx as if it were an instance.
func (p *proxy) front() *process { return &process{t: p.t, url: p.url} }

// fleet is instances on one Redis and one document store, at addresses that they keep.
type fleet struct {
	t         *testing.T
	u         *upstream
	env       []string
	addrs     []string
	instances []*process
}

func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{t: t, u: newUpstream(t, anilibriatest.Catalogue())}
	f.env = together(f.u.env(), shared(redistest.Start(t), mongowiretest.Start(t)),
		[]string{"ANIHUB_WEB_TRUSTED_PROXIES=127.0.0.1/32", "ANIHUB_MODULES_REALTIME_DRAIN_SECONDS=1"})
	for range n {
		f.addrs = append(f.addrs, loopbacktest.Addr(t))
		f.instances = append(f.instances, nil)
	}
	for i := range n {
		f.run(i)
	}
	f.instances[0].ready()
	eventually(t, "the baseline is settled", func() bool { return f.metric("sync_polls_total", `result="ok"`) > 0 })
	return f
}

func (f *fleet) run(i int) {
	f.t.Helper()
	p := start(f.t, []string{"serve"}, append(f.env, "ANIHUB_WEB_ADDR="+f.addrs[i])...)
	eventually(f.t, "the instance is ready", func() bool {
		status, whole, _ := p.readiness("catalog")
		return status == 200 && whole == "ready"
	})
	f.instances[i] = p
}

// metric is the sum over the fleet.
func (f *fleet) metric(name string, labels ...string) float64 {
	f.t.Helper()
	sum := 0.0
	for _, p := range f.instances {
		sum += max(0, p.metric(name, labels...))
	}
	return sum
}

func (f *fleet) air(id int) {
	f.t.Helper()
	if _, err := f.u.AirEpisode(id); err != nil {
		f.t.Fatal(err)
	}
}

// viewerAt asks from an address of its own.
func viewerAt(t *testing.T, address string) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
