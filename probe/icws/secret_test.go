package icws_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"icws_exporter/probe/icws"
	"icws_exporter/probe/icwssim"
	"icws_exporter/probe/secret"
)

// hostilePassword is written differently in every place that it can stand in.
const hostilePassword = `pä"ss \w/ord<&1>+`

// echoes are the ways in which a server may send a password back.
func echoes(password string) map[string]string {
	quoted, _ := json.Marshal(password)
	return map[string]string{
		"raw":          password,
		"JSON":         string(quoted[1 : len(quoted)-1]),
		"ASCII":        `p\u00e4\"ss \\w/ord<&1>+`,
		"slash":        `pä\"ss \\w\/ord<&1>+`,
		"query":        url.QueryEscape(password),
		"path":         url.PathEscape(password),
		"base64":       base64.StdEncoding.EncodeToString([]byte(password)),
		"base64 later": base64.StdEncoding.EncodeToString([]byte("svc:" + password)),
		"base64 URL":   base64.RawURLEncoding.EncodeToString([]byte(":" + password + "\n")),
	}
}

// A server that repeats the password of the log-on later, in the answer to any
// request of the session, does not get it past the screen; and what it said stays as it
// was.
func TestTheScreenKnowsThePasswordOfASession(t *testing.T) {
	for name, echo := range echoes(hostilePassword) {
		t.Run(name, func(t *testing.T) {
			sim := icwssim.New(icwssim.Options{Password: hostilePassword, Name: "cic " + echo})
			t.Cleanup(sim.Close)
			screen := secret.NewScreen()
			client := screened(t, sim, screen)
			session, err := client.Connect(t.Context(), icws.Credentials{User: "demo", Password: secret.New(hostilePassword)})
			if err != nil {
				t.Fatal(err)
			}
			sim.SetSwitchover(icwssim.Switchover{PrimaryHost: echo, SubsystemsDown: []string{echo}})
			status, err := session.SwitchoverStatus(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if session.ICServer() != "cic "+echo || status.PrimaryHost != echo {
				t.Errorf("what the server said is not as it was: %q, %q", session.ICServer(), status.PrimaryHost)
			}
			said := append([]string{session.ICServer(), status.PrimaryHost, status.SubsystemsDown[0]}, version(t, client, sim, echo)...)
			for _, f := range []icwssim.Fault{
				{Code: http.StatusInternalServerError, Message: "your password is " + echo},
				{Code: http.StatusBadRequest, ErrorID: "error." + echo},
				{Code: http.StatusServiceUnavailable, AlternateHosts: []string{echo}},
				{Code: http.StatusFound, Headers: map[string]string{"Location": "https://host/?" + echo}},
				{Body: "{}", Headers: map[string]string{"Content-Encoding": header(echo)}},
			} {
				sim.Inject(f)
				err := session.Subscribe(t.Context(), icws.StatusMessages, nil)
				said = append(said, fmt.Sprintf("%v %+v", err, err))
				if _, err = session.Stream(t.Context()); err != nil {
					said = append(said, err.Error())
				}
				sim.Clear()
			}
			sim.Inject(icwssim.Fault{Operation: icwssim.OpStream, Body: "x", ContentType: header(echo)})
			if _, err = session.Stream(t.Context()); err == nil {
				t.Fatal("the stream opened")
			}
			said = append(said, err.Error())
			sim.Clear()
			sim.Send(string(must(json.Marshal(map[string]any{
				"__type": "urn:inin.com:connection:connectionStateChangeMessage", "isDelta": false, "reason": "you are " + echo,
			}))))
			sim.Send(string(must(json.Marshal(map[string]any{"__type": "urn:" + echo, "isDelta": false}))))
			messages := 0
			err = session.Poll(t.Context(), []*icws.Reader{icws.NewStatusReader(&mirror{})}, func(m icws.Message) {
				messages++
				said = append(said, m.Type, m.Connection.Reason)
			})
			if err != nil || messages != 2 {
				t.Fatalf("%d messages, %v", messages, err)
			}
			withheld := 0
			for _, text := range said {
				shown := screen.Show(text)
				if strings.Contains(shown, echo) || strings.Contains(shown, hostilePassword) {
					t.Errorf("the password is shown in %q", shown)
				}
				if shown == secret.Withheld {
					withheld++
				}
			}
			if withheld < 10 {
				t.Errorf("%d texts are withheld of %q", withheld, said)
			}
		})
	}
}

// screened is a client of the simulator whose screen learns what it sends.
func screened(t *testing.T, sim *icwssim.Server, screen *secret.Screen) *icws.Client {
	t.Helper()
	server := httptest.NewServer(sim)
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return icws.NewClient(base, transport, icws.Options{Screen: screen, ApplicationName: "test"})
}

// version is what a server says of its version that repeats the password there.
func version(t *testing.T, client *icws.Client, sim *icwssim.Server, echo string) (said []string) {
	t.Helper()
	for _, f := range []icwssim.Fault{
		{Count: 1, Operation: "version", Code: 500, Message: echo},
		{Count: 1, Operation: "version", Body: string(must(json.Marshal(map[string]string{"productId": echo})))},
		{Count: 1, Operation: "version", Body: "{}", Headers: map[string]string{"Content-Encoding": header(echo)}},
	} {
		sim.Inject(f)
		v, err := client.Version(t.Context())
		said = append(said, v.ProductID, fmt.Sprint(err))
	}
	return said
}

// header is the text as far as a header can hold it.
func header(text string) string { return strings.Map(func(r rune) rune { return min(r, '~') }, text) }

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
