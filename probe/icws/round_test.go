package icws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cluster answers a log-on per host.
type cluster struct {
	answers  map[string]func() (*http.Response, error)
	asked    []string
	rejected []string
}

func answerIn(code int, body string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return scripted(code, body), nil }
}

func session201() (*http.Response, error) {
	return scripted(201, `{"sessionId":"1","csrfToken":"t"}`), nil
}

func networkFails() (*http.Response, error) { return nil, errors.New("no route") }

func notAccepting(hosts ...string) func() (*http.Response, error) {
	return answerIn(503, `{"alternateHostList":["`+strings.Join(hosts, `","`)+`"]}`)
}

func (c *cluster) round(t *testing.T, hosts ...string) Round {
	return Round{
		Hosts: hosts,
		LogOn: func(ctx context.Context, host string) (*Session, error) {
			u, err := ExpandURL("https://{host}:8019", host)
			if err != nil {
				return nil, err
			}
			client := NewClient(u, roundTrip(func(r *http.Request) (*http.Response, error) {
				name := r.URL.Hostname()
				c.asked = append(c.asked, name)
				answer := c.answers[name]
				if answer == nil {
					t.Errorf("host %q is asked", name)
					answer = networkFails
				}
				return answer()
			}), Options{})
			return client.Connect(ctx, testCredentials)
		},
		Permit:   func(host string) bool { return strings.HasPrefix(host, "cic-") },
		Rejected: func(host string) { c.rejected = append(c.rejected, host) },
	}
}

func TestRoundFindsAHost(t *testing.T) {
	for name, test := range map[string]struct {
		answers  map[string]func() (*http.Response, error)
		hosts    []string
		asked    []string
		rejected []string
	}{
		"the first": {
			answers: map[string]func() (*http.Response, error){"cic-a": session201},
			hosts:   []string{"cic-a", "cic-b"}, asked: []string{"cic-a"},
		},
		"after failures of all kinds": {
			answers: map[string]func() (*http.Response, error){
				"cic-a": networkFails, "cic-b": answerIn(500, ""), "cic-c": answerIn(503, ""), "cic-d": answerIn(200, "<html>"), "cic-e": answerIn(404, ""),
				"cic-f": answerIn(302, ""), "cic-g": session201,
			},
			hosts: []string{"cic-a", "cic-b", "cic-c", "cic-d", "cic-e", "cic-f", "cic-g"},
			asked: []string{"cic-a", "cic-b", "cic-c", "cic-d", "cic-e", "cic-f", "cic-g"},
		},
		"listed before the other configured ones": {
			answers: map[string]func() (*http.Response, error){
				"cic-a": notAccepting("cic-x", "CIC-A", "cic-y"), "cic-x": networkFails, "cic-y": networkFails, "cic-b": session201,
			},
			hosts: []string{"cic-a", "cic-b"}, asked: []string{"cic-a", "cic-x", "cic-y", "cic-b"},
		},
		"a listed host that is configured needs no permit": {
			answers: map[string]func() (*http.Response, error){"cic-a": notAccepting("Backup"), "cic-b": nil, "Backup": session201},
			hosts:   []string{"cic-a", "cic-b", "backup"}, asked: []string{"cic-a", "Backup"},
		},
		"refused entries": {
			answers: map[string]func() (*http.Response, error){
				"cic-a": notAccepting("evil.example", "user@cic-x", "cic-x/path", "", "cic-z"), "cic-z": session201,
			},
			hosts: []string{"cic-a"}, asked: []string{"cic-a", "cic-z"}, rejected: []string{"evil.example", "user@cic-x", "cic-x/path"},
		},
		"an address that cannot be": {
			answers: map[string]func() (*http.Response, error){"cic-b": session201},
			hosts:   []string{"cic a", "cic-b"}, asked: []string{"cic-b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{answers: test.answers}
			host, session, err := c.round(t, test.hosts...).Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.asked, c.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.rejected, c.rejected); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			if last := test.asked[len(test.asked)-1]; host != last || session.Host() != last+":8019" {
				t.Errorf("host %s, session on %s", host, session.Host())
			}
		})
	}
}

func TestRoundEndsAtOnce(t *testing.T) {
	for name, answer := range map[string]func() (*http.Response, error){
		"wrong password": answerIn(400, testdata(t, "error_authentication.json")),
		"unauthorised":   answerIn(401, ""),
		"forbidden":      answerIn(403, ""),
		"proxy":          answerIn(407, ""),
		"gone":           answerIn(410, ""),
		"400 twice":      answerIn(400, `{"errorId":"error.licence"}`),
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{answers: map[string]func() (*http.Response, error){"cic-a": networkFails, "cic-b": answer}}
			_, session, err := c.round(t, "cic-a", "cic-b", "cic-c").Connect(t.Context())
			var round *RoundError
			if session != nil || !errors.As(err, &round) || len(round.Attempts) != 2 || round.Attempts[1].Host != "cic-b" {
				t.Fatalf("err %v", err)
			}
			var response *ResponseError
			if !errors.As(err, &response) {
				t.Errorf("the answer is not wrapped: %v", err)
			}
			if text := err.Error(); !strings.HasPrefix(text, "cic-a: connect failed (other): no route; cic-b: connect: the server answered ") {
				t.Errorf("text %s", text)
			}
		})
	}
}

func TestRoundEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &cluster{answers: map[string]func() (*http.Response, error){
		"cic-a": func() (*http.Response, error) { cancel(); return nil, context.Canceled },
	}}
	if _, _, err := c.round(t, "cic-a", "cic-b").Connect(ctx); !errors.Is(err, context.Canceled) || len(c.asked) != 1 {
		t.Errorf("err %v after %v", err, c.asked)
	}
}

func TestRoundIsBounded(t *testing.T) {
	c := &cluster{answers: make(map[string]func() (*http.Response, error))}
	next := func(n int) string { return "cic-" + strings.Repeat("x", n) }
	for n := range 50 {
		c.answers[next(n+1)] = notAccepting(next(n+2), next(n+1), "cic-x")
	}
	round := c.round(t, "cic-x")
	if _, _, err := round.Connect(t.Context()); err == nil || len(c.asked) != 1+maxListedHosts {
		t.Errorf("%d hosts asked, %v", len(c.asked), err)
	}
	if _, _, err := (Round{}).Connect(t.Context()); err == nil || err.Error() != "no host to log on to" {
		t.Errorf("err %v", err)
	}
}

func TestRoundWithoutPermitStaysAtTheConfiguredHosts(t *testing.T) {
	c := &cluster{answers: map[string]func() (*http.Response, error){"cic-a": notAccepting("cic-x")}}
	round := c.round(t, "cic-a")
	round.Permit, round.Rejected = nil, nil
	if _, _, err := round.Connect(t.Context()); err == nil || len(c.asked) != 1 {
		t.Errorf("asked %v, %v", c.asked, err)
	}
}

// Neither many hosts nor long lists keep a round from a configured host.
func TestRoundTriesEveryConfiguredHost(t *testing.T) {
	var dead []string
	answers := map[string]func() (*http.Response, error){"cic-last": session201}
	for i := range 12 {
		dead = append(dead, "cic-"+string(rune('a'+i)))
		answers[dead[i]] = networkFails
	}
	for name, hosts := range map[string][]string{
		"many configured": append(slices.Clone(dead), "cic-last"),
		"a long list":     {"cic-lists", "cic-last"},
	} {
		answers["cic-lists"] = notAccepting(dead...)
		c := &cluster{answers: answers}
		if host, _, err := c.round(t, hosts...).Connect(t.Context()); host != "cic-last" {
			t.Errorf("%s: connected to %q (%v) after %q", name, host, err, c.asked)
		}
	}
}
