package web

import (
	"context"
	"net/http"
	"sync"
)

// places bound how many requests of a kind are served at a time, in all and for
// each address, which never has all of them.
type places struct {
	most, mostPerAddress int

	mu        sync.Mutex
	taken     int
	byAddress map[string]int
}

func newPlaces(most, mostPerAddress int) *places {
	return &places{most: most, mostPerAddress: mostPerAddress, byAddress: map[string]int{}}
}

// take takes a place for an address, to be given back by leave, which may be called
// twice. An empty address has no bound of its own.
func (p *places) take(address string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.most || address != "" && p.byAddress[address] >= p.mostPerAddress {
		return nil, false
	}
	p.taken++
	p.byAddress[address]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken--
		if p.byAddress[address]--; p.byAddress[address] == 0 {
			delete(p.byAddress, address)
		}
	}), true
}

// limited serves next while there are places, which it takes before any work.
func (p *places) limited(retryAfter, busy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := p.take(clientOf(r.Context()))
		if !ok {
			w.Header().Set("Retry-After", retryAfter)
			http.Error(w, busy, http.StatusServiceUnavailable)
			return
		}
		defer leave()
		next.ServeHTTP(w, r)
	})
}

// clientOf is the address of the client of a request; empty when it is not known.
func clientOf(ctx context.Context) string {
	if conn := connOf(ctx); conn != nil {
		return conn.address
	}
	return ""
}
