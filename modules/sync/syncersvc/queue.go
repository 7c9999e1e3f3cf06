package syncersvc

import (
	"container/heap"
	"context"
	"slices"
	"sync"
)

func priorities() []string { return []string{"low", "normal", "high"} }

func rank(priority string) int { return slices.Index(priorities(), priority) }

// task is a waiting job.
type task struct {
	id   string
	rank int
}

// queue holds the waiting jobs of this process, most urgent first, first come
// first served among equals, and how to stop the running ones.
type queue struct {
	mu      sync.Mutex
	waiting tasks
	serial  int
	max     int
	more    chan struct{} // one token: something may be waiting
	runs    map[string]*run
}

func newQueue(limit int) *queue {
	return &queue{max: limit, more: make(chan struct{}, 1), runs: map[string]*run{}}
}

// push adds a task; false when the queue is full.
func (q *queue) push(t task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.max {
		return false
	}
	q.serial++
	heap.Push(&q.waiting, entry{t, q.serial})
	q.wake()
	return true
}

// pop takes the most urgent task, waiting for one; false when ctx ends.
func (q *queue) pop(ctx context.Context) (task, bool) {
	for {
		if t, ok := q.take(); ok {
			return t, true
		}
		select {
		case <-ctx.Done():
			return task{}, false
		case <-q.more:
		}
	}
}

func (q *queue) take() (task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return task{}, false
	}
	e, _ := heap.Pop(&q.waiting).(entry)
	if len(q.waiting) > 0 {
		q.wake() // another worker may be asleep
	}
	return e.task, true
}

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// running notes that a job runs in this process; false when it does already.
func (q *queue) running(r *run) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.runs[r.id] != nil {
		return false
	}
	q.runs[r.id] = r
	return true
}

func (q *queue) stopped(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.runs, id)
}

// run is the job that runs in this process; nil = it does not.
func (q *queue) run(id string) *run {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.runs[id]
}

// has tells whether the job waits or runs in this process.
func (q *queue) has(id string) bool {
	return q.run(id) != nil || q.waits(id)
}

func (q *queue) waits(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.waiting, func(e entry) bool { return e.id == id })
}

// cancel stops a running job of this process.
func (q *queue) cancel(id string, cause error) {
	if r := q.run(id); r != nil {
		r.stop(cause)
	}
}

type entry struct {
	task
	serial int
}

// tasks is a heap (container/heap).
type tasks []entry

func (t tasks) Len() int { return len(t) }

func (t tasks) Less(i, j int) bool {
	if t[i].rank != t[j].rank {
		return t[i].rank > t[j].rank
	}
	return t[i].serial < t[j].serial
}

func (t tasks) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

func (t *tasks) Push(x any) {
	if e, ok := x.(entry); ok {
		*t = append(*t, e)
	}
}

func (t *tasks) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// waiters are told when a job of this process ends.
type waiters struct {
	mu  sync.Mutex
	all map[string]*waiting
}

type waiting struct {
	ended chan struct{}
	n     int
}

func newWaiters() *waiters { return &waiters{all: map[string]*waiting{}} }

func (w *waiters) join(id string) (<-chan struct{}, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.all[id]
	if one == nil {
		one = &waiting{ended: make(chan struct{})}
		w.all[id] = one
	}
	one.n++
	return one.ended, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if one.n--; one.n == 0 && w.all[id] == one {
			delete(w.all, id)
		}
	}
}

func (w *waiters) wake(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.all[id]; one != nil {
		close(one.ended)
		delete(w.all, id)
	}
}
