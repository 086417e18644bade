//go:build linux

package process

import (
	"os"
	"testing"
)

// What stays open tells what is, not what was.
func TestReadAgainIsNew(t *testing.T) {
	var u Usage
	if !u.Read() {
		t.Fatal("nothing can be read")
	}
	before := u.OpenFiles
	for range 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	memory := make([]byte, 64<<20)
	for i := range memory {
		memory[i] = 1
	}
	resident := u.Resident
	if !u.Read() {
		t.Fatal("nothing can be read again")
	}
	if n := u.OpenFiles - before; n != 10 {
		t.Errorf("10 more files are open, and %v are counted", n)
	}
	if u.Resident < resident+32<<20 {
		t.Errorf("64 MiB were written, and %v B more are resident", u.Resident-resident)
	}
	if u.CPU <= 0 || u.MostFiles <= 0 || u.Virtual < u.Resident {
		t.Errorf("read %+v", u)
	}
	if memory[1<<20] == 0 {
		t.Error("kept until here")
	}
}
