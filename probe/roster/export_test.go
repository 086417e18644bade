package roster

// KeptStatuses is how many statuses take space.
func (r *Roster) KeptStatuses() int { return len(r.statuses) }
