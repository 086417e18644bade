package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"icws_exporter/exporter/files"
)

func TestThePasswordLosesOneLineEnd(t *testing.T) {
	for content, want := range map[string]string{
		"pw": "pw", "pw\n": "pw", "pw\r\n": "pw", "two words\n": "two words", "pä\n": "pä", "$pw{}%\n": "$pw{}%", "a${b}\n": "a${b}",
	} {
		got, err := Server{PasswordFile: passwordFile(t, content)}.Password()
		if err != nil || got.Reveal() != want {
			t.Errorf("%q is read as %q, %v; want %q", content, got.Reveal(), err, want)
		}
	}
}

func passwordFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "the-file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What cannot be the password that was meant costs no log-on: it is refused, with
// the place and what to do there (P3).
func TestAPasswordThatCannotBeMeantIsRefused(t *testing.T) {
	for content, wants := range map[string][2]string{
		"":                        {"is empty", "put the password there"},
		"\n":                      {"is empty", "put the password there"},
		testPassword + " \n":      {"ends with a blank", "take the blank away"},
		" " + testPassword:        {"begins or ends with a blank", "take the blank away"},
		testPassword + "\u00a0\n": {"ends with a blank", "take the blank away"},
		testPassword + "\n\n":     {"a line end", "as one line"},
		testPassword + "\r":       {"a line end", "as one line"},
		testPassword + "\r\r\n":   {"a line end", "as one line"},
		"user\n" + testPassword:   {"a line end", "as one line"},
		testPassword + "\x00":     {"not UTF-8", "save it as UTF-8"},
		"\xff\xfep\x00w\x00":      {"not UTF-8", "save it as UTF-8"},
		testPassword + "\t":       {"control character", "anew"},
		testPassword + "\x1b[A":   {"control character", "anew"},
		testPassword + "\xe4":     {"not plain UTF-8", "save it as UTF-8"},
		"${ICWS_PASSWORD}\n":      {"name of a variable", "the password itself"},
		"$(ICWS_PASSWORD)":        {"name of a variable", "the password itself"},
		"{{ icws_password }}":     {"name of a variable", "the password itself"},
		"%ICWS_PASSWORD%":         {"name of a variable", "the password itself"},
	} {
		file := passwordFile(t, content)
		_, err := Server{PasswordFile: file}.Password()
		if err == nil {
			t.Errorf("%q is taken for a password", content)
			continue
		}
		for _, want := range append(wants[:], "the file "+file) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("of %q is said %q, without %q", content, err, want)
			}
		}
		if strings.Contains(err.Error(), testPassword) {
			t.Errorf("the error repeats the password: %v", err)
		}
		src := strings.Replace(oneServer, "password_file: password", "password_file: '"+file+"'", 1)
		if _, err := Parse("test.yaml", []byte(src), ""); err == nil || !strings.Contains(err.Error(), "test.yaml:1:") || !strings.Contains(err.Error(), wants[0]) {
			t.Errorf("a configuration with %q is taken, or refused as %v", content, err)
		}
	}
	t.Setenv("ICWS_TEST_PASSWORD", "pw ")
	if _, err := (Server{PasswordEnv: "ICWS_TEST_PASSWORD"}).Password(); err == nil || !strings.Contains(err.Error(), "the environment variable ICWS_TEST_PASSWORD begins or ends") {
		t.Errorf("of a variable is said %v", err)
	}
}

func TestAUserThatIsTheNameOfAVariableIsRefused(t *testing.T) {
	for _, user := range []string{"${ICWS_USER}", "$(ICWS_USER)", "%ICWS_USER%"} {
		_, err := Parse("test.yaml", []byte(strings.Replace(oneServer, "svc-prom", "'"+user+"'", 1)), "testdata")
		if err == nil || !strings.Contains(err.Error(), "servers[0].user: the name of a variable, which nothing puts in; expected the ICWS user") {
			t.Errorf("user %s: %v", user, err)
		}
	}
	mustParse(t, strings.Replace(oneServer, "svc-prom", "'$svc{1}'", 1))
}

func TestThePasswordIsReadAnewEveryTime(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", directory)
	set := map[string]func(string){
		"file":       func(pw string) { os.WriteFile(filepath.Join(directory, "file"), []byte(pw), 0o600) },
		"credential": func(pw string) { os.WriteFile(filepath.Join(directory, "icws"), []byte(pw), 0o600) },
		"variable":   func(pw string) { t.Setenv("ICWS_TEST_PASSWORD", pw) },
	}
	for name, server := range map[string]Server{
		"file":       {PasswordFile: filepath.Join(directory, "file")},
		"credential": {PasswordCredential: "icws"},
		"variable":   {PasswordEnv: "ICWS_TEST_PASSWORD"},
	} {
		read := server.Probe(Limits{}).Password
		for _, want := range []string{"first", "second"} {
			set[name](want + "\n")
			if got, err := read(); err != nil || got != want {
				t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
			}
		}
	}
}

func TestAPasswordThatIsGoneIsAnErrorThatNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gone")
	_, err := Server{PasswordFile: file}.Password()
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want one that says that %s does not exist", err, file)
	}
}

// The path that was tried is shown, and what it is relative to, unless the name may be
// a password that was written where its file is expected: then the directory is.
func TestAFileThatIsNotThereIsLookedForSomewhere(t *testing.T) {
	t.Setenv("ICWS_TEST_PASSWORD", testPassword)
	dir := t.TempDir()
	for _, sub := range []string{"secrets", "conf"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "conf")
	for written, want := range map[string]string{
		testPassword:                          "looked for in " + conf + ", the directory of the configuration file;",
		"../secrets/pw":                       filepath.Join(dir, "secrets", "pw") + ", relative to the directory of the configuration file;",
		filepath.Join(dir, "secrets", "pw"):   ": " + filepath.Join(dir, "secrets", "pw") + ";",
		testPassword + "/x":                   "the path leads to no directory below " + conf + ";",
		filepath.Join(dir, testPassword, "x"): "the path leads to no directory below " + dir + ";",
		"/" + testPassword:                    "looked for in /;",
	} {
		_, err := Parse("icws.yaml", []byte("servers: [{name: a, hosts: [a], user: u, password_file: "+written+"}]"), conf)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), testPassword) {
			t.Errorf("%s: %v\nwant %q", written, err, want)
		}
	}
	_, err := Parse("icws.yaml", []byte("servers: [{name: a, hosts: [a], user: u, password_env: ICWS_TEST_PASSWORD, http: {tls_config: {ca_file: ca.pem}}}]"), conf)
	if want := filepath.Join(conf, "ca.pem") + ", relative to the directory of the configuration file"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %q", err, want)
	}
	t.Chdir(conf)
	for want, flags := range map[string]Flags{
		"--password-file: the password cannot be read (no such file or directory): looked for in " + conf + ", the working directory;":     {PasswordFile: "pw"},
		"--ca-file: cannot be read (no such file or directory): " + filepath.Join(conf, "ca.pem") + ", relative to the working directory;": {PasswordEnv: "ICWS_TEST_PASSWORD", CAFile: "ca.pem"},
	} {
		flags.Servers, flags.User = []string{"cic-a"}, "u"
		if _, err := FromFlags(flags); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	for _, file := range []string{"nowhere.yaml", "."} {
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "("+filepath.Join(conf, file)+")") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A credential that is not there is not named: it may be a password.
func TestACredentialThatIsNotThere(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", directory)
	_, err := Server{PasswordCredential: testPassword}.Password()
	if err == nil || !strings.Contains(err.Error(), "is in "+directory+"; load it") || strings.Contains(err.Error(), testPassword) {
		t.Error(err)
	}
}

// What is read only once is said to be.
func TestThePlaceOfAPasswordSaysWhetherAChangeIsSeen(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/cred")
	for _, test := range []struct {
		server        Server
		place, change string
	}{
		{Server{PasswordFile: "/etc/pw"}, "the file /etc/pw", ""},
		{Server{PasswordEnv: "PW"}, "the environment variable PW", "restart of the exporter"},
		{Server{PasswordCredential: "pw"}, "the systemd credential pw", "restart of the unit"},
		{Server{PasswordFile: "/run/cred/pw"}, "the systemd credential /run/cred/pw", "restart of the unit"},
		{Server{PasswordFile: "/run/credentials/icws_exporter.service/pw"}, "the systemd credential ", "restart of the unit"},
	} {
		place, change := test.server.PasswordPlace()
		if !strings.HasPrefix(place, test.place) || !strings.Contains(change, test.change) || (test.change == "") != (change == "") {
			t.Errorf("%+v: %q, %q", test, place, change)
		}
	}
}

func TestTheAdviceFitsThePasswordThatCannotBeRead(t *testing.T) {
	const mayRead, limit = "the exporter's user may read", "LimitNOFILE="
	for err, want := range map[error]string{
		syscall.EMFILE: limit, syscall.ENFILE: limit,
		syscall.ENOENT: mayRead, syscall.EACCES: mayRead, files.ErrNotRegular: mayRead,
		syscall.EIO: "",
	} {
		got := adviceOn(err)
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("on %q the advice is %q, want one with %q", err, got, want)
		}
	}
}
