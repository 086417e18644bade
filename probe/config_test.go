package probe

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A forgotten duration made a loop without a pause: New names every one.
func TestNewRefusesDurationsThatAreNotPositive(t *testing.T) {
	valid := testConfig(ModeAuto, "a")
	valid.Password = func() (string, error) { return testPassword, nil }
	options := Options{Observer: &recorder{}, NewTransport: func() http.RoundTripper { return nil }}
	if _, err := New(valid, options); err != nil {
		t.Fatal(err)
	}
	zeroIsAutomatic := map[string]bool{"ResubscribeInterval": true, "StreamTimeout": true}
	durations := 0
	for i := range reflect.TypeFor[Config]().NumField() {
		field := reflect.TypeFor[Config]().Field(i)
		if field.Type != reflect.TypeFor[time.Duration]() {
			continue
		}
		durations++
		for _, d := range []time.Duration{0, -1, -time.Hour} {
			cfg := valid
			reflect.ValueOf(&cfg).Elem().Field(i).SetInt(int64(d))
			p, err := New(cfg, options)
			if d == 0 && zeroIsAutomatic[field.Name] {
				if err != nil {
					t.Errorf("%s 0: %v", field.Name, err)
				}
				continue
			}
			if err == nil || p != nil || !strings.Contains(err.Error(), field.Name) {
				t.Errorf("%s %s: %v", field.Name, d, err)
			}
		}
	}
	if durations < 10 {
		t.Errorf("only %d durations were tried", durations)
	}
	if _, err := New(Config{}, options); err == nil {
		t.Error("an empty configuration makes a probe")
	}
	if _, err := New(valid, Options{}); err == nil {
		t.Error("a probe is made that can reach nothing")
	}
}
