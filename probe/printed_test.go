package probe

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// plainSecrets walks over everything that a value holds, as fmt does and further, and
// returns the ways to texts that have a secret and are not of the type for it.
type plainSecrets struct {
	wanted []string
	seen   map[visited]bool
	texts  int // looked at
	found  []string
}

type visited struct {
	at uintptr
	of reflect.Type
}

// foreign are the types of others: what they keep is theirs, and nobody prints it.
var foreign = []string{"net/http.", "net.", "crypto/", "context.", "sync.", "time.", "reflect.", "testing.", "bufio."}

func (p *plainSecrets) walk(v reflect.Value, way string) {
	if !v.IsValid() || strings.Count(way, ".") > 40 {
		return
	}
	name := strings.TrimLeft(fmt.Sprint(v.Type().PkgPath(), ".", v.Type().Name()), ".")
	for _, prefix := range foreign {
		if strings.HasPrefix(name, prefix) {
			return
		}
	}
	switch v.Kind() {
	case reflect.String:
		p.look(v.String(), way)
	case reflect.Pointer:
		if v.IsNil() || p.seen[visited{v.Pointer(), v.Type()}] {
			return
		}
		p.seen[visited{v.Pointer(), v.Type()}] = true
		p.walk(v.Elem(), way)
	case reflect.Interface:
		p.walk(v.Elem(), way)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[secret.Text]() || v.Type() == reflect.TypeFor[secret.Screen]() || v.Type() == reflect.TypeFor[secret.Finder]() {
			return
		}
		for i := range v.NumField() {
			p.walk(v.Field(i), way+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Kind() == reflect.Slice {
				p.look(string(v.Bytes()), way)
			}
			return
		}
		for i := range v.Len() {
			p.walk(v.Index(i), fmt.Sprint(way, "[", i, "]"))
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			p.walk(entries.Key(), way+".key")
			p.walk(entries.Value(), fmt.Sprint(way, ".", "value"))
		}
	}
}

func (p *plainSecrets) look(text, way string) {
	p.texts++
	for _, wanted := range p.wanted {
		if strings.Contains(text, wanted) {
			p.found = append(p.found, way)
		}
	}
}

// No text of a probe or its ledger is the password or what guards the session, in
// whatever it keeps: so no verb of fmt, no log and no dump of it shows one.
func TestAProbeKeepsNoPlainSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testConfig(ModeAuto, "a"))
		r.cfg.ProxyPassword = secret.New("the-pr0xy-s3cret")
		r.history = NewHistory(r.seen)
		sim := r.serve("a", icwssim.Options{})
		sim.Inject(icwssim.Fault{Operation: "poll", Count: 1, Code: 500, Message: "no " + testPassword})
		var l *loop
		r.run = func(ctx context.Context) { // as Probe.Run does
			defer close(r.probe.stopped)
			l = newLoop(r.probe)
			l.run(ctx)
		}
		walk := func(when string) {
			t.Helper()
			p := &plainSecrets{wanted: []string{testPassword, "the-pr0xy-s3cret", "an0ther-one"}, seen: map[visited]bool{}}
			p.walk(reflect.ValueOf(l), "loop")
			p.walk(reflect.ValueOf(r.ledger), "ledger")
			p.walk(reflect.ValueOf(r.history), "history")
			for _, way := range p.found {
				t.Errorf("%s: a plain secret in %s", when, way)
			}
			reached := &plainSecrets{wanted: []string{"svc-prom"}, seen: map[visited]bool{}}
			if reached.walk(reflect.ValueOf(l), "loop"); p.texts < 100 || len(reached.found) == 0 {
				t.Errorf("%s: only %d texts were looked at, and the user is in %v", when, p.texts, reached.found)
			}
			for _, format := range []string{"%v", "%+v", "%#v"} {
				for _, v := range []any{r.probe, r.cfg, r.probe.Snapshot(), r.ledger, *r.probe.Snapshot()} {
					text := fmt.Sprintf(format, v)
					for _, hidden := range p.wanted {
						if strings.Contains(text, hidden) {
							t.Errorf("%s: %s of %T prints a secret", when, format, v)
						}
					}
				}
			}
		}
		look := func(when string) { // on the loop's goroutine, whose data it is
			t.Helper()
			synctest.Wait()
			if err := r.probe.ask(t.Context(), func(*loop) { walk(when) }); err != nil {
				t.Fatal(err)
			}
		}
		r.start()
		r.pass(time.Minute)
		r.state(StateLive)
		look("live")
		r.password.Store("an0ther-one")
		sim.ExpireSessions()
		r.pass(time.Minute)
		r.state(StateAuthHold)
		look("held")
		r.sims["a"].SetPassword("an0ther-one-still")
		r.pass(20 * time.Minute)
		look("held again")
	})
}
