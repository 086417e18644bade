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

func TestSecretFormsFindEveryEcho(t *testing.T) {
	for name, text := range echoes(hostilePassword) {
		left := "before " + text + " after"
		for _, form := range icws.SecretForms(hostilePassword) {
			left = strings.ReplaceAll(left, form, "*")
		}
		if !strings.Contains(left, "*") || len(left) > len("before * after")+10 {
			t.Errorf("%s: of %q is left %q", name, text, left)
		}
	}
	if forms := icws.SecretForms(""); forms != nil {
		t.Errorf("an empty secret has the forms %q", forms)
	}
}

// A server that repeats the password of the log-on later, in the answer to any
// request of the session, does not get it into an error.
func TestNoErrorOfASessionRepeatsThePassword(t *testing.T) {
	for name, echo := range echoes(hostilePassword) {
		t.Run(name, func(t *testing.T) {
			sim := icwssim.New(icwssim.Options{Password: hostilePassword, Name: "cic " + echo})
			t.Cleanup(sim.Close)
			client := simulated(t, sim)
			session, err := client.Connect(t.Context(), icws.Credentials{User: "demo", Password: hostilePassword})
			if err != nil {
				t.Fatal(err)
			}
			sim.SetSwitchover(icwssim.Switchover{PrimaryHost: echo, SubsystemsDown: []string{echo}})
			status, err := session.SwitchoverStatus(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			said := session.ICServer() + status.PrimaryHost + strings.Join(status.SubsystemsDown, " ") + version(t, sim, echo)
			for _, f := range []icwssim.Fault{
				{Code: http.StatusInternalServerError, Message: "your password is " + echo},
				{Code: http.StatusBadRequest, ErrorID: "error." + echo},
				{Code: http.StatusServiceUnavailable, AlternateHosts: []string{echo}},
				{Code: http.StatusFound, Headers: map[string]string{"Location": "https://host/?" + echo}},
				{Body: "{}", Headers: map[string]string{"Content-Encoding": header(echo)}},
			} {
				sim.Inject(f)
				err := session.Subscribe(t.Context(), icws.StatusMessages, nil)
				said += fmt.Sprintf("%v %+v", err, err)
				if _, err = session.Stream(t.Context()); err != nil {
					said += err.Error()
				}
				sim.Clear()
			}
			sim.Inject(icwssim.Fault{Operation: icwssim.OpStream, Body: "x", ContentType: header(echo)})
			if _, err = session.Stream(t.Context()); err == nil {
				t.Fatal("the stream opened")
			}
			said += err.Error()
			sim.Clear()
			sim.Send(string(must(json.Marshal(map[string]any{
				"__type": "urn:inin.com:connection:connectionStateChangeMessage", "isDelta": false, "reason": "you are " + echo,
			}))))
			sim.Send(string(must(json.Marshal(map[string]any{"__type": "urn:" + echo, "isDelta": false}))))
			messages := 0
			err = session.Poll(t.Context(), []*icws.Reader{icws.NewStatusReader(&mirror{})}, func(m icws.Message) {
				messages++
				said += m.Type + m.Connection.Reason
			})
			if err != nil || messages != 2 {
				t.Fatalf("%d messages, %v", messages, err)
			}
			if strings.Contains(said, echo) || strings.Contains(said, hostilePassword) || !strings.Contains(said, "[redacted]") {
				t.Errorf("the password is repeated in %q", said)
			}
		})
	}
}

// version is what a client that knows the password says of a server that repeats
// it without a session.
func version(t *testing.T, sim *icwssim.Server, echo string) string {
	t.Helper()
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := icws.NewClient(base, http.DefaultTransport, icws.Options{
		Password: func() (string, error) { return hostilePassword, nil },
	})
	said := ""
	for _, f := range []icwssim.Fault{
		{Count: 1, Operation: "version", Code: 500, Message: echo},
		{Count: 1, Operation: "version", Body: string(must(json.Marshal(map[string]string{"productId": echo})))},
		{Count: 1, Operation: "version", Body: "{}", Headers: map[string]string{"Content-Encoding": header(echo)}},
	} {
		sim.Inject(f)
		v, err := client.Version(t.Context())
		said += v.ProductID + fmt.Sprint(err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
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
