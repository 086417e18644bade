package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxVerdict bounds what is shown of an answer.
const maxVerdict = 1 << 10

type healthCommand struct {
	URL     string        `arg:"" optional:"" help:"Where the exporter is, with a user and a password if it asks for them; without a path, /-/healthy there. Default ${default}." default:"http://127.0.0.1:10018"`
	Timeout time.Duration `help:"How long to wait for the answer. Default ${default}." default:"5s" placeholder:"DURATION"`
}

// Run asks once and prints what the exporter says of itself. Everything but an
// answer of 200 is a failure.
func (c healthCommand) Run(ctx context.Context, s *streams) error {
	where, err := url.Parse(c.URL)
	if err != nil || where.Host == "" || where.Scheme != "http" && where.Scheme != "https" {
		return usageError{fmt.Errorf("%q is no URL; expected one like http://127.0.0.1:10018", c.URL)}
	}
	if where.Path == "" || where.Path == "/" {
		where.Path = "/-/healthy"
	}
	if c.Timeout <= 0 {
		return usageError{fmt.Errorf("--timeout=%s: expected more than 0", c.Timeout)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	verdict, err := ask(ctx, where)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.out, verdict)
	return printed(err)
}

// ask returns the body of a 200. It goes through no proxy and follows no redirect:
// somebody else's health is not what was asked for. A user and a password in the URL
// are those of the web configuration.
func ask(ctx context.Context, where *url.URL) (string, error) {
	user, shown := where.User, where.Redacted()
	if user != nil {
		target := *where
		target.User = nil
		where = &target
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", shown, err)
	}
	request.Header.Set("User-Agent", userAgent())
	if user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return "", fmt.Errorf("no answer from %s: %w", shown, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return "", fmt.Errorf("%s answers %s", shown, response.Status) // no deadline ends a read of its body
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxVerdict))
	if err != nil {
		return "", fmt.Errorf("the answer of %s broke off: %w", shown, err)
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return string(body), nil
	case response.StatusCode == http.StatusUnauthorized && user != nil:
		return "", fmt.Errorf("%s refuses the user or the password; expected those of --web.config.file", shown)
	case response.StatusCode == http.StatusUnauthorized:
		return "", fmt.Errorf("%s asks for a password; give it as http://USER:PASSWORD@…, or give serve a --web.health-listen-address and ask there", shown)
	}
	return "", fmt.Errorf("%s answers %s: %s", shown, response.Status, strings.TrimSpace(string(body)))
}
