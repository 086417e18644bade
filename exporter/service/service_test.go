package service

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// manager is a Service Control Manager that notes what it is told.
type manager struct {
	mu     sync.Mutex
	states []state
}

func (m *manager) report(s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states = append(m.states, s)
}

func (m *manager) wants(t *testing.T, after string, states ...state) {
	t.Helper()
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.states, states) {
		t.Errorf("after %s the manager has been told %v, want %v", after, m.states, states)
	}
	m.states = nil
}

func TestAServiceAnswersItsManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		commands, m, code := make(chan command), &manager{}, make(chan int, 1)
		serving := make(chan struct{})
		var reloads atomic.Int32
		go func() {
			code <- loop(commands, m.report, nil, func(ctx context.Context, s *Session) int {
				<-serving
				s.Ready()
				for {
					select {
					case <-s.Reloads:
						reloads.Add(1)
						time.Sleep(time.Second)
					case <-ctx.Done():
						time.Sleep(10 * time.Second)
						return 3
					}
				}
			})
		}()
		m.wants(t, "the start", starting)
		commands <- interrogate
		m.wants(t, "a question", starting)
		close(serving)
		m.wants(t, "the sockets are open", running)
		for range 5 {
			commands <- reload
		}
		m.wants(t, "five reloads", running, running, running, running, running)
		time.Sleep(time.Minute)
		if n := reloads.Load(); n != 2 {
			t.Errorf("%d reloads, want two: one at once, and one for what came during it", n)
		}
		commands <- end
		m.wants(t, "the end", ending)
		commands <- interrogate
		m.wants(t, "a question at the end", ending)
		if got := <-code; got != 3 {
			t.Errorf("exit code %d", got)
		}
	})
}

func TestAServiceMayFailAtTheStart(t *testing.T) {
	var m manager
	if code := loop(nil, m.report, nil, func(context.Context, *Session) int { return 2 }); code != 2 || !slices.Equal(m.states, []state{starting}) {
		t.Errorf("exit code %d, told %v", code, m.states)
	}
}

func TestNothingIsInstalledElsewhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it would be")
	}
	if _, err := Install(Definition{}); err == nil || Inside([]string{Mark}) || Uninstall("a") == nil || Start("a") == nil || Stop("a") == nil || Reload("a") == nil {
		t.Error("there is a service on a system that has none")
	}
}
