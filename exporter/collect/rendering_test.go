package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"

	"icws_exporter/probe"
)

// turnstile is a source at which a rendering stops until the test lets it go on.
type turnstile struct {
	*published
	arrived, goOn chan struct{}
}

func (s *turnstile) Snapshot() *probe.Snapshot {
	s.arrived <- struct{}{}
	<-s.goOn
	return s.published.Snapshot()
}

// Scrapes of one form that come together get one rendering, made after they came.
func TestScrapesThatComeTogetherShareARendering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSet(Options{})
		source := &turnstile{&published{snapshot: live()}, make(chan struct{}), make(chan struct{})}
		s.Add("chicago", "").Watch(source)
		var scrapers sync.WaitGroup
		scrape := func(w Want) {
			scrapers.Go(func() {
				if err := s.Answer(t.Context(), w, func([]byte) {}); err != nil {
					t.Error(err)
				}
			})
		}
		scrape(Want{Format: Text})
		<-source.arrived
		for range 50 { // they come while the first one is being made
			scrape(Want{Format: Text})
			scrape(Want{Format: Protobuf, Compress: true})
		}
		synctest.Wait()
		renderings := 1
		source.goOn <- struct{}{}
		ended := make(chan struct{})
		go func() { scrapers.Wait(); close(ended) }()
		for over := false; !over; {
			select {
			case <-source.arrived:
				renderings++
				source.goOn <- struct{}{}
			case <-ended:
				over = true
			}
		}
		// One before they came, one of each form, and the text once more when the other
		// form came between its scrapes: it is not kept meanwhile.
		if renderings != 3 && renderings != 4 {
			t.Errorf("%d renderings for a hundred scrapes in two forms, want 3 or 4", renderings)
		}
	})
}

// bigSet has an exposition beyond the size that is always allowed.
func bigSet(t *testing.T) (*Set, *ServerMetrics) {
	s := newTestSet(Options{})
	var last *ServerMetrics
	size := 0
	for i := 0; size <= smallBodies; i++ {
		last = s.Add(fmt.Sprintf("server%05d", i), "us")
		if i%200 == 199 {
			s.Render(Text, false, func(body []byte) { size = len(body) })
		}
	}
	return s, last
}

// Clients that do not read cannot have the process hold more than two expositions:
// whoever would need a third waits, and is told to come again.
func TestUnreadExpositionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := bigSet(t)
		slow := make(chan struct{})
		var clients sync.WaitGroup
		for range 2 { // each with an exposition of its own
			reading := make(chan struct{})
			clients.Go(func() {
				if err := s.Answer(t.Context(), Want{Format: Text}, func([]byte) { close(reading); <-slow }); err != nil {
					t.Error(err)
				}
			})
			<-reading
			m.Read(1)
		}
		began := time.Now()
		if err := s.Answer(t.Context(), Want{Format: Text}, func([]byte) {}); !errors.Is(err, ErrBusy) {
			t.Errorf("a third exposition gives %v", err)
		}
		if took := time.Since(began); took != longestWait {
			t.Errorf("it is told so after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Answer(ctx, Want{Format: OpenMetrics, Compress: true}, func([]byte) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("whoever has no time gets %v", err)
		}
		waiting := make(chan error, 1)
		go func() { waiting <- s.Answer(t.Context(), Want{Format: Text, Compress: true}, func([]byte) {}) }()
		time.Sleep(time.Second)
		close(slow)
		if err := <-waiting; err != nil {
			t.Errorf("the memory is there again, and who waited for it gets %v", err)
		}
		clients.Wait()
		if s.renderer.sending != 0 {
			t.Errorf("%d bytes count as being sent at the end", s.renderer.sending)
		}
	})
}

// More than a queue of scrapes is refused at once.
func TestTheQueueIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSet(Options{})
		source := &turnstile{&published{snapshot: live()}, make(chan struct{}), make(chan struct{})}
		s.Add("chicago", "").Watch(source)
		var scrapers sync.WaitGroup
		scrapers.Go(func() { _ = s.Answer(t.Context(), Want{}, func([]byte) {}) })
		<-source.arrived
		for range maxQueue {
			scrapers.Go(func() {
				if err := s.Answer(t.Context(), Want{}, func([]byte) {}); !errors.Is(err, ErrBusy) {
					t.Errorf("after the longest wait: %v", err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		if err := s.Answer(t.Context(), Want{}, func([]byte) {}); !errors.Is(err, ErrBusy) || time.Since(began) > 0 {
			t.Errorf("one more than the queue holds gets %v after %s", err, time.Since(began))
		}
		time.Sleep(longestWait + time.Second)
		source.goOn <- struct{}{}
		scrapers.Wait()
	})
}

// Protobuf has what a registry of client_golang gathers.
func TestProtobufIsWhatARegistryGathers(t *testing.T) {
	for name, make := range scenarios {
		s := make()
		want := map[string]int{}
		gathered, err := s.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range gathered {
			want[f.String()]++
		}
		if len(want) == 0 {
			t.Fatalf("%s: nothing gathered", name)
		}
		var got int
		s.Render(Protobuf, true, func(body []byte) {
			for _, f := range decodeProtobuf(t, []byte(unzip(t, body))) {
				got++
				if !sameFamily(f, gathered) {
					t.Errorf("%s: %s differs from what the registry has", name, f.GetName())
				}
			}
		})
		if got < len(gathered) {
			t.Errorf("%s: %d families, want %d", name, got, len(gathered))
		}
	}
}

func decodeProtobuf(t *testing.T, body []byte) (families []*dto.MetricFamily) {
	t.Helper()
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		f := new(dto.MetricFamily)
		err := decoder.Decode(f)
		if errors.Is(err, io.EOF) {
			return families
		}
		if err != nil {
			t.Fatal(err)
		}
		families = append(families, f)
	}
}

// sameFamily compares but for the order of the series, which a registry sorts.
func sameFamily(f *dto.MetricFamily, gathered []*dto.MetricFamily) bool {
	i := slices.IndexFunc(gathered, func(g *dto.MetricFamily) bool { return g.GetName() == f.GetName() })
	if i < 0 {
		return strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_")
	}
	g := gathered[i]
	if f.GetHelp() != g.GetHelp() || f.GetType() != g.GetType() || len(f.Metric) != len(g.Metric) {
		return false
	}
	for _, m := range f.Metric {
		if !slices.ContainsFunc(g.Metric, func(n *dto.Metric) bool { return proto.Equal(m, n) }) {
			return false
		}
	}
	return true
}
