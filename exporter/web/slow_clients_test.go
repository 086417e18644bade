package web

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Of the listeners of these tests, and of a hostile client: it holds more connections
// than there are places, of which there are fewer than usual, since each costs time.
const (
	fewConnections       = 128
	fewHealthConnections = 8
	attackers            = 160
)

// patience is for a busy machine: that an answer comes is the matter, and the attack lasts longer.
const patience = 2 * time.Minute

// largePage is an exposition that no socket swallows, and a health check.
var largePage = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/-/healthy" {
		_, _ = io.WriteString(w, "healthy\n")
		return
	}
	for range 64 {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
})

// Whoever opens more connections than there are places and gives each as little as it may have
// shuts out neither the scrape nor the health check, from whatever address.
func TestSlowClientsShutNobodyOut(t *testing.T) {
	const ask = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n"
	for name, attack := range map[string]struct {
		request string
		trickle bool // a byte a moment follows
		large   bool // the answer is never read
		tls     bool // and without the password
		few     bool // connections are enough: they all end at once
	}{
		"a body that never comes":        {request: "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"},
		"a long body that never comes":   {request: "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n", few: true},
		"a short body that never comes":  {request: "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"},
		"a body that is announced":       {request: "POST /-/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n", few: true},
		"chunks that never come":         {request: "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", few: true},
		"a trickling body":               {request: "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", trickle: true},
		"a trickling header":             {request: ask + "X-Slow: ", trickle: true},
		"an answer that is not read":     {request: "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", large: true},
		"a body, without the password":   {request: "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", tls: true, few: true},
		"many requests, never read":      {request: strings.Repeat(ask+"\r\n", 400), large: true},
		"a handshake that never goes on": {request: "\x16\x03\x01\x02\x00", tls: false, few: true},
	} {
		t.Run(name, func(t *testing.T) {
			options := ListenOptions{Addresses: []string{loopback}, HealthAddress: loopback}
			scheme, client := "http://", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
			var settings *tls.Config
			if attack.tls {
				file, guarded := writeWebConfig(t)
				options.ConfigFile, scheme = file, "https://"
				client.Transport = guarded.Transport
				settings = guarded.Transport.(*http.Transport).TLSClientConfig
			}
			l := mustListen(t, options)
			l.most.site, l.most.health = fewConnections, fewHealthConnections
			stop := serve(t, l, largePage)
			pages, health := l.Addresses()[0].String(), l.health.Addr().String()
			var attacker hostile
			number := attackers
			if attack.few {
				number /= 6
			}
			for i := range number {
				target := pages
				if !attack.tls && i%10 == 0 {
					target = health
				}
				attacker.open(t, target, i, attack.request, attack.trickle, settings)
			}
			for range 5 {
				scraped(t, client, scheme+pages+"/metrics", 4<<20)
				scraped(t, client, "http://"+health+"/-/healthy", 8)
			}
			attacker.close()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// scraped wants a whole answer of a size.
func scraped(t *testing.T, client *http.Client, url string, size int64) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("ops", "guard-dog")
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK || n != size {
		t.Errorf("%s answers %s and %d bytes, %v", url, response.Status, n, err)
	}
}

// hostile are the connections of an attacker.
type hostile struct {
	sockets []net.Conn
	trickle sync.WaitGroup
	ended   chan struct{}
}

func (a *hostile) open(t *testing.T, target string, i int, request string, trickle bool, settings *tls.Config) {
	t.Helper()
	if a.ended == nil {
		a.ended = make(chan struct{})
	}
	// Half of them have the address of the scraper.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.0.%d", 1+i%2*(1+i%7)))}}
	conn, err := dialer.DialContext(t.Context(), "tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	a.sockets = append(a.sockets, conn)
	if settings != nil {
		settings = settings.Clone()
		settings.ServerName = "127.0.0.1"
		secure := tls.Client(conn, settings)
		conn = secure
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	a.trickle.Go(func() {
		_, err := io.WriteString(conn, request)
		for trickle && err == nil {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-a.ended:
				return
			}
			_, err = io.WriteString(conn, "x")
		}
	})
}

func (a *hostile) close() {
	close(a.ended)
	for _, conn := range a.sockets {
		conn.Close()
	}
	a.trickle.Wait()
}
