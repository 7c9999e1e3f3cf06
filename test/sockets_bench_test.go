package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// teller is a server that tells many sockets: ours, or the one that it is measured by.
type teller struct {
	name    string
	pid     int
	site    string // http://host:port
	path    string
	join    []string // what a socket says to be told of the channel
	joined  string   // what is in the last answer to that
	told    string   // what is in a frame that tells
	publish func(n int)
	end     func()
}

// sheet is what one server needed for n sockets.
type sheet struct {
	idleKB, joinedKB float64 // resident memory per socket
	cpu              float64 // µs of the server per delivery
	p50, p99         time.Duration
}

// payload is the data of every event, of the size that ours have.
const payload = `{"episode_name":"Дорога, которая никуда не ведёт","poster":"/storage/releases/posters/9901/aBcDeFgHiJkLmNoP__0123456789abcdef.webp","title":"Фонарщик с улицы Цубаки"}`

// BenchmarkSockets: memory per socket, and the server's time and the latency per delivery.
// The server is on core 0 alone; who runs it keeps the clients off it (make bench-realtime).
// With CENTRIFUGO set to a binary of Centrifugo v5 both are measured in turns.
func BenchmarkSockets(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				best := map[string]sheet{}
				for range 2 {
					for _, open := range tellers() {
						t := open(b)
						s := measure(b, t, n)
						t.end()
						if was, ok := best[t.name]; !ok || s.cpu < was.cpu {
							best[t.name] = s
						}
					}
				}
				report(b, best)
			}
		})
	}
}

// sizes are the numbers of sockets; SOCKETS=1000,10000 names others.
func sizes(b *testing.B) []int {
	text := os.Getenv("SOCKETS")
	if text == "" {
		text = "10000"
	}
	var all []int
	for s := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			b.Fatalf("SOCKETS: %q is no number of sockets", s)
		}
		all = append(all, n)
	}
	return all
}

func tellers() []func(*testing.B) *teller {
	all := []func(*testing.B) *teller{openOurs}
	if os.Getenv("CENTRIFUGO") != "" {
		all = append(all, openCentrifugo)
	}
	return all
}

func report(b *testing.B, best map[string]sheet) {
	for name, s := range best {
		b.ReportMetric(s.cpu, name+"-cpu-us/delivery")
		b.ReportMetric(s.idleKB, name+"-idle-KB/socket")
		b.ReportMetric(s.joinedKB, name+"-subscribed-KB/socket")
		b.ReportMetric(float64(s.p50.Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(s.p99.Microseconds())/1000, name+"-p99-ms")
	}
	if c, ok := best["centrifugo"]; ok {
		b.ReportMetric(best["anihub"].cpu/c.cpu, "cpu-ratio")
		b.ReportMetric(best["anihub"].idleKB/c.idleKB, "memory-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

// audience are sockets that count what they are told.
type audience struct {
	sockets []*rawSocket
	sent    atomic.Int64 // when the event was published, Unix ns
	heard   atomic.Int64
	joins   atomic.Int64
	took    []int64 // ns, of each delivery
	reading sync.WaitGroup
}

func measure(b *testing.B, t *teller, n int) sheet {
	b.Helper()
	const events = 20
	a := &audience{}
	var s sheet
	before := resident(b, t.pid)
	a.connect(b, t, n)
	time.Sleep(3 * time.Second) // so that what the handshakes took is given back
	s.idleKB = (resident(b, t.pid) - before) / float64(n)
	a.subscribe(b, t)
	time.Sleep(3 * time.Second)
	s.joinedKB = (resident(b, t.pid) - before) / float64(n)
	cpu := processorTime(b, t.pid)
	s.p50, s.p99 = a.hearAll(b, events, t.publish)
	s.cpu = float64((processorTime(b, t.pid) - cpu).Microseconds()) / float64(n*events)
	a.leave()
	b.Logf("%s, %d sockets: %.1f KB idle, %.1f KB subscribed, %.2f µs per delivery, p50 %v, p99 %v", t.name, n, s.idleKB, s.joinedKB, s.cpu, s.p50, s.p99)
	return s
}

// hearAll publishes events one after another, each when all have heard the one before, and
// returns how long they took to arrive.
func (a *audience) hearAll(b *testing.B, events int, publish func(n int)) (p50, p99 time.Duration) {
	b.Helper()
	n := len(a.sockets)
	a.took = make([]int64, n*events)
	a.heard.Store(0)
	for i := range events {
		a.sent.Store(time.Now().UnixNano())
		publish(i)
		a.await(b, &a.heard, int64(n*(i+1)), "an event is told")
	}
	slices.Sort(a.took)
	return time.Duration(a.took[len(a.took)/2]), time.Duration(a.took[len(a.took)*99/100])
}

func (a *audience) leave() {
	for _, socket := range a.sockets {
		socket.close()
	}
	a.reading.Wait()
}

func (a *audience) connect(b *testing.B, t *teller, n int) {
	b.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for k := range 32 {
		all.Go(func() {
			for i := k; i < n; i += 32 {
				socket, err := dialRawAt(context.Background(), t.site, t.path)
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				a.sockets = append(a.sockets, socket)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

func (a *audience) subscribe(b *testing.B, t *teller) {
	b.Helper()
	for _, socket := range a.sockets {
		for _, line := range t.join {
			if err := socket.say(line); err != nil {
				b.Fatal(err)
			}
		}
		a.reading.Go(func() { a.listen(t, socket) })
	}
	a.await(b, &a.joins, int64(len(a.sockets)), "all are subscribed")
}

func (a *audience) listen(t *teller, socket *rawSocket) {
	for {
		frame, err := socket.read()
		if err != nil {
			return
		}
		text := string(frame)
		switch {
		case strings.Contains(text, t.told):
			took := time.Now().UnixNano() - a.sent.Load()
			if i := a.heard.Add(1) - 1; int(i) < len(a.took) {
				a.took[i] = took
			}
		case strings.Contains(text, t.joined):
			a.joins.Add(1)
		case text == "{}":
			_ = socket.say("{}") // Centrifugo asks whether we are there
		}
	}
}

func (a *audience) await(b *testing.B, is *atomic.Int64, want int64, what string) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); is.Load() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("never: %s (%d of %d)", what, is.Load(), want)
		}
	}
}

// resident is the memory of a process, in KB.
func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb
}

// processorTime is what a process has had of the processor, to 10 ms.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// onOneCore keeps a process on core 0, where there is another for the clients.
func onOneCore(b *testing.B, pid int) {
	b.Helper()
	if runtime.NumCPU() < 2 {
		return
	}
	if out, err := exec.Command("taskset", "-acp", "0", strconv.Itoa(pid)).CombinedOutput(); err != nil {
		b.Skipf("needs taskset: %v %s", err, out)
	}
}

func openOurs(b *testing.B) *teller {
	b.Helper()
	u := newUpstream(b, slim(4))
	p := start(b, []string{"serve"}, append(u.quiet(), "GOMAXPROCS=1")...)
	onOneCore(b, p.cmd.Process.Pid)
	return p.teller(9901, payload)
}

// teller tells of episodes of one title.
func (p *process) teller(title int, data string) *teller {
	return &teller{
		name: "anihub", pid: p.cmd.Process.Pid, site: p.url, path: socketPath, end: p.kill,
		join:   []string{fmt.Sprintf(`{"type":"subscribe_title","data":{"title_id":%d}}`, title)},
		joined: `"subscribed"`, told: `"new_episode"`,
		publish: func(n int) {
			body := fmt.Sprintf(`{"type":"new_episode","title_id":%d,"episode":%d,"data":%s,"timestamp":"2026-07-01T12:00:00Z"}`, title, n+1, data)
			if a := p.admin("POST", "/internal/anilibria/notify", body); a.status != 200 {
				p.t.Fatalf("notify: %d %s", a.status, a.body)
			}
		},
	}
}

// BenchmarkStalledReaders: how long events take to 5,000 sockets while fifty others are told
// far more and read it, and while those do not read.
func BenchmarkStalledReaders(b *testing.B) {
	const many, few, events, long = 5000, 50, 20, 25
	for b.Loop() {
		u := newUpstream(b, slim(4))
		p := start(b, []string{"serve"}, append(u.quiet(), "GOMAXPROCS=1")...)
		onOneCore(b, p.cmd.Process.Pid)
		light, heavy := p.teller(9901, payload), p.teller(heavy, `{"synopsis":"`+strings.Repeat("долго ", 1200)+`"}`)
		crowd := &audience{}
		crowd.connect(b, light, many)
		crowd.subscribe(b, light)
		told, all := 0, 0
		round := func(int) {
			for range long {
				told++
				heavy.publish(told)
			}
			crowd.sent.Store(time.Now().UnixNano())
			light.publish(all)
			all++
		}
		readers := &audience{}
		readers.connect(b, heavy, few)
		readers.subscribe(b, heavy)
		_, reading := crowd.hearAll(b, events, round)
		readers.leave()
		stalled := &audience{}
		stalled.connect(b, heavy, few)
		for _, socket := range stalled.sockets {
			if err := socket.say(heavy.join[0]); err != nil {
				b.Fatal(err)
			}
		}
		eventually(b, "those who do not read are subscribed", func() bool { return p.metric("realtime_subscriptions") == many+few })
		_, stalling := crowd.hearAll(b, events, round)
		b.ReportMetric(p.metric("realtime_slow_consumers_total"), "closed-as-slow")
		b.ReportMetric(float64(reading.Microseconds())/1000, "p99-ms-reading")
		b.ReportMetric(float64(stalling.Microseconds())/1000, "p99-ms-stalled")
		b.ReportMetric(float64(stalling)/float64(reading), "p99-ratio")
		b.ReportMetric(0, "ns/op")
		stalled.leave()
		crowd.leave()
		p.kill()
	}
}

func openCentrifugo(b *testing.B) *teller {
	b.Helper()
	const address = "127.0.0.1:18590"
	config := filepath.Join(b.TempDir(), "config.json")
	settings := `{"client_insecure":true,"api_insecure":true,"allowed_origins":["*"],"log_level":"none","address":"127.0.0.1","port":"18590"}`
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Getenv("CENTRIFUGO"), "--config", config)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	end := sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b.Cleanup(end)
	eventually(b, "Centrifugo answers", func() bool {
		status, _, _ := ask(b, "POST", "http://"+address+"/api/info", "", "{}")
		return status == 200
	})
	onOneCore(b, cmd.Process.Pid)
	return &teller{
		name: "centrifugo", pid: cmd.Process.Pid, site: "http://" + address, path: "/connection/websocket", end: end,
		join:   []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"news"}}`},
		joined: `"subscribe"`, told: `"push"`,
		publish: func(n int) {
			body := fmt.Sprintf(`{"channel":"news","data":{"type":"new_episode","title_id":9901,"episode":%d,"data":%s}}`, n+1, payload)
			if status, _, text := ask(b, "POST", "http://"+address+"/api/publish", "", body); status != 200 || strings.Contains(text, `"error"`) {
				b.Fatalf("publish: %d %s", status, text)
			}
		},
	}
}
