package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const isc = `Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY
AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM
LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR
OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.
`

func TestOnlyAllowedLicencesPass(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"allowed":         {"LICENSE", isc, ""},
		"spelt otherwise": {"LICENCE.txt", isc, ""},
		"not allowed":     {"LICENSE", "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed with this file, You can obtain one at http://mozilla.org/MPL/2.0/.", "MPL-2.0"},
		"not known":       {"LICENSE", "You may do with it what we tell you on Mondays.", "only 0 %"},
		"none":            {"README", isc, "has no licence"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var texts, summary bytes.Buffer
		err := describe(module{Path: "example.com/m", Dir: dir}, &texts, &summary)
		switch {
		case c.want == "" && (err != nil || !strings.Contains(texts.String(), "is hereby granted") || !strings.Contains(summary.String(), "ISC")):
			t.Errorf("%s: %v, %q", name, err, summary.String())
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
