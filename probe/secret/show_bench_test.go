package secret

import (
	"fmt"
	"testing"
)

// What it costs to show a text, as a page does for each status message.
func BenchmarkShow(b *testing.B) {
	s := NewScreen("cic-a.example.com")
	s.Learn(New(hostile))
	for i := range mostSessions {
		s.LearnSession(New(fmt.Sprint("1234567-", i)), New(fmt.Sprint("dG9rZW4xdG9rZW4xdG9rZW4x", i)), New(fmt.Sprint("5b0c4711-aaaa-bbbb", i, "|languageId=en-us")))
	}
	for name, text := range map[string]string{
		"host": "cic-a.example.com:8018", "status": "Available, Follow-Me", "error": "connect: the server answered 500 (Internal Server Error), error.request.x: Object reference not set to an instance of an object.",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.Show(text) != text {
					b.Fatal("withheld")
				}
			}
		})
	}
}
