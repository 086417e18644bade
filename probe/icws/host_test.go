package icws

import (
	"net/url"
	"strings"
	"testing"
)

func TestValidHost(t *testing.T) {
	for _, entry := range []string{
		"cic-b", "CIC_B", "cic-b.example.com", "cic-b.example.com.", "cic-b:8019", "10.0.0.7", "10.0.0.7:8019",
		"::1", "2001:db8::7", "[::1]", "[2001:db8::7]:8019", "a.b-c.d0", "3com.example", "7up", strings.Repeat("a", 63) + ".b",
	} {
		if !ValidHost(entry) {
			t.Errorf("%q is refused", entry)
		}
	}
	for _, entry := range []string{
		"", " ", "cic b", "cic\tb", "cic\nb", "user@cic-b", "user:pw@cic-b", "http://cic-b", "cic-b/path", "cic-b?x", "cic-b#x", "cic%62",
		"cic-b:", "cic-b:0", "cic-b:65536", "cic-b:https", "cic-b:80:80", ":8019", ".", "a..b", ".a", "-a", "a-", "a.-b", "fe80::1%eth0", "[fe80::1%25eth0]",
		"[::1", "::1]", "[]", "[10.0.0.7]", "[::1]x", "[::1]:", "::1:99999x", "2130706433", "10.0.0.256", "0x7f000001", "0X7F.1", "127.0.0.08", "99999999999999999999999", "0177.0.0.1", "127.1", "a.0xffffffffffffffffffff", "1.2.3", "münchen", "{host}", "a\\b", "a*",
		strings.Repeat("a", 64), strings.Repeat("a.", 130),
	} {
		if ValidHost(entry) {
			t.Errorf("%q is taken", entry)
		}
	}
}

func TestIsLocal(t *testing.T) {
	for _, host := range []string{
		"localhost", "LOCALHOST.", "localhost:8019", "a.localhost", "localhost.localdomain", "localhost6.localdomain6", "localhost.example.com",
		"ip6-loopback", "loopback", "127.0.0.1", "127.9.9.9:8019", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "::1", "[::1]:8019", "::", "fe80::1",
		"::ffff:127.0.0.1", "[::ffff:7f00:1]:8019", "::ffff:169.254.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "ff02::1", "::ffff:0.0.0.0",
	} {
		if !ValidHost(host) || !IsLocal(host) {
			t.Errorf("%q is valid %t, local %t; want both", host, ValidHost(host), IsLocal(host))
		}
	}
	for _, host := range []string{"cic-b", "cic-b:8019", "10.0.0.7", "192.168.1.1", "2001:db8::7", "[2001:db8::7]:1", "fd00::1", "::ffff:10.0.0.7", "localhoster", "local", "64:ff9b::10.0.0.7"} {
		if IsLocal(host) {
			t.Errorf("%q is local", host)
		}
	}
}

func TestExpandURL(t *testing.T) {
	for _, test := range []struct{ template, host, want string }{
		{"https://{host}:8019", "cic-b", "https://cic-b:8019"},
		{"https://{host}:8019", "cic-b:443", "https://cic-b:443"},
		{"https://{host}:8019/", "10.0.0.7", "https://10.0.0.7:8019/"},
		{"https://{host}:8019", "::1", "https://[::1]:8019"},
		{"https://{host}:8019", "[::1]", "https://[::1]:8019"},
		{"https://{host}:8019", "[::1]:443", "https://[::1]:443"},
		{"http://{host}/prefix", "cic-b", "http://cic-b/prefix"},
		{"http://{host}/prefix", "cic-b:8018", "http://cic-b:8018/prefix"},
		{"https://{host}.example.com:8019", "cic-b", "https://cic-b.example.com:8019"},
		{"https://web/app/api/{host}", "cic-b", "https://web/app/api/cic-b"},
		{"https://web:444/app/api/{host}/", "cic-b:8019", "https://web:444/app/api/cic-b:8019/"},
		{"https://web/app/api/{host}", "[::1]:8019", "https://web/app/api/%5B::1%5D:8019"},
		{"https://fixed:8019/p", "anything goes", "https://fixed:8019/p"},
		{"https://[::1]:8019", "", "https://[::1]:8019"},
	} {
		u, err := ExpandURL(test.template, test.host)
		if err != nil || u.String() != test.want {
			t.Errorf("%s with %s: %v, %v; want %s", test.template, test.host, u, err, test.want)
		}
	}
	for _, test := range []struct{ template, host string }{
		{"https://{host}:8019", "user@cic-b"}, {"https://{host}:8019", ""}, {"https://{host}:8019", "a/b"}, {"https://web/{host}", ".."},
		{"ftp://{host}", "cic-b"}, {"{host}:8019", "cic-b"}, {"", "cic-b"}, {"https://", "cic-b"}, {"https://{hots}:8019", "cic-b"}, {"https://web/{hots}", "cic-b"},
		{"https://user:s3cr3t@{host}:8019", "cic-b"}, {"https://user:s3cr3t@fixed", "cic-b"}, {"https://{host}:8019?x", "cic-b"}, {"https://{host}#s3cr3t", "cic-b"},
		{"https://{host}:99999", "cic-b"}, {"https://{host}:https", "cic-b"}, {"https://cic%zz/{host}", "cic-b"}, {"https://web/%zz", "cic-b"}, {"https://:8019", "x"},
	} {
		u, err := ExpandURL(test.template, test.host)
		if err == nil {
			t.Errorf("%s with %q gives %s", test.template, test.host, u)
		} else if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error repeats the template: %v", err)
		}
	}
}

func FuzzExpandURL(f *testing.F) {
	for _, host := range []string{"cic-b", "cic-b:8019", "[::1]:1", "::1", "a@b", "a/b", "%2f", "x\r\ny"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		u, err := ExpandURL("https://{host}:8019/icws-proxy", host)
		if (err == nil) != ValidHost(host) {
			t.Fatalf("valid %v but %v", ValidHost(host), err)
		}
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.Path != "/icws-proxy" || again.User != nil || again.Port() == "" {
			t.Fatalf("%q leads to %v, %v", host, again, err)
		}
		name, _ := splitPort(host)
		if !strings.EqualFold(again.Hostname(), strings.Trim(name, "[]")) {
			t.Fatalf("%q leads to host %q", host, again.Hostname())
		}
	})
}
