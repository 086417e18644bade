package config

import (
	"errors"
	"strings"
	"testing"
)

func TestQuickStart(t *testing.T) {
	v, err := FromFlags(Flags{
		Servers:      []string{"https://cic-a.example.com:8019", "lab=http://cic-lab:8018", "https://cic-b", "http://[::1]/x", "cic-c", "cic-d:444", "plain=http://cic-e", "::1", "https://web/api/cic-f"},
		User:         "svc-prom",
		PasswordFile: "testdata/password",
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range v.Servers() {
		got = append(got, s.Name+" "+strings.Join(s.Hosts, ","))
		if password, err := s.Password(); err != nil || password.Reveal() != testPassword || s.User != "svc-prom" {
			t.Errorf("%s logs on as %s, %v", s.Name, s.User, err)
		}
	}
	want := "cic-a.example.com:8019 cic-a.example.com:8019; lab cic-lab:8018; cic-b:8019 cic-b:8019; [::1]:80 [::1]; cic-c:8019 cic-c:8019; cic-d:444 cic-d:444; plain cic-e:8018; [::1]:8019 [::1]:8019; web:443 web"
	if strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
	file := mustParse(t, "servers: [{name: cic-b:8019, url: 'https://cic-b:8019', user: svc-prom, password_file: ../testdata/password}]").Servers()[0]
	if !file.Equal(v.Servers()[2]) {
		t.Error("the same server by a file and by flags differs")
	}
}

func TestQuickStartNamesTheFlag(t *testing.T) {
	good := Flags{Servers: []string{"https://cic-a:8019"}, User: "svc-prom", PasswordFile: "testdata/password"}
	for name, test := range map[string]struct {
		edit func(*Flags)
		want string
	}{
		"no server":     {func(f *Flags) { f.Servers = nil }, "--server: missing"},
		"no user":       {func(f *Flags) { f.User = "" }, "--user: missing"},
		"no password":   {func(f *Flags) { f.PasswordFile = "" }, "--password-file: missing; expected --password-file"},
		"two passwords": {func(f *Flags) { f.PasswordEnv = "PW" }, "PW: a second place"},
		"password":      {func(f *Flags) { f.PasswordFile = testPassword }, "--password-file: the password cannot be read"},
		"variable":      {func(f *Flags) { f.PasswordFile, f.PasswordEnv = "", "ICWS_UNSET" }, "ICWS_UNSET: the environment variable"},
		"no scheme":     {func(f *Flags) { f.Servers[0] = "ftp://cic-a:8019" }, "--server: the scheme"},
		"not a URL":     {func(f *Flags) { f.Servers[0] = "https://%zz" }, "--server: not a valid URL"},
		"no host":       {func(f *Flags) { f.Servers[0] = "a:b:c/" }, "--server: the scheme"},
		"a list":        {func(f *Flags) { f.Servers[0] = "cic-a,cic-b" }, "--server: has a comma or a blank, as a list has; expected one host or URL, such as cic.example.com or https://cic.example.com:8019; repeat --server for more"},
		"ends in icws":  {func(f *Flags) { f.Servers[0] = "https://cic-a:8019/icws" }, "--server: ends with /icws, which the exporter adds itself; write https://cic-a:8019 instead"},
		"user in it":    {func(f *Flags) { f.Servers[0] = "https://svc:" + testPassword + "@cic-a" }, "--server: a user or password"},
		"template":      {func(f *Flags) { f.Servers[0] = "https://{host}:8019" }, "--server: missing; expected the hosts"},
		"no name":       {func(f *Flags) { f.Servers[0] = "=https://cic-a" }, "--server: missing; expected a name"},
		"same name":     {func(f *Flags) { f.Servers = append(f.Servers, "CIC-A:8019=https://b") }, "--server: the name of server number 1 too"},
	} {
		t.Run(name, func(t *testing.T) {
			flags := good
			flags.Servers = append([]string(nil), good.Servers...)
			test.edit(&flags)
			_, err := FromFlags(flags)
			problems := (*Error)(nil)
			if !errors.As(err, &problems) || !strings.Contains("\n"+err.Error(), "\n"+test.want) {
				t.Fatalf("got %v, want a problem with %q", err, test.want)
			}
			if strings.Contains(err.Error(), testPassword) {
				t.Errorf("the error gives the password away: %v", err)
			}
		})
	}
}
