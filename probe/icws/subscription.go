package icws

import "strings"

// Subscription is one of the things that a server sends messages about. Each is a
// value, in a file of its own; nobody changes it. A session has at most one
// subscription of each (protocol.md, 2).
type Subscription struct {
	// Name is how metrics and logs name it.
	Name string
	// Path is its resource, below messaging/subscriptions/.
	Path string
	// List is the resource with all that its full message says, below the session;
	// "" when there is none.
	List string
	// MessageType is the `__type` of its messages.
	MessageType string
	// Personal: what is said of it may name people, and is not to be repeated.
	Personal bool
	// Put and Delete are the operations that subscribe and unsubscribe.
	Put, Delete Operation
}

// String returns the name in words, for an error.
func (s *Subscription) String() string { return strings.ReplaceAll(s.Name, "-", " ") }

// Reader decodes what one subscription delivers, and hands it on while it reads.
// Each subscription has a function that makes one. It belongs to the goroutine
// that decodes.
type Reader struct {
	of *Subscription
	// begin forgets what an earlier message or list said.
	begin func()
	// members read the values of those members that only its messages have.
	members map[string]func(*document)
	list    func(*document)
	// object reads one of the things alone.
	object func(*document)
}

// Of returns the subscription whose messages and list the reader decodes.
func (r *Reader) Of() *Subscription { return r.of }
