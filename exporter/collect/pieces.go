package collect

import (
	"iter"
	"slices"
)

// part is what a piece of a page shows: some servers of one family, or all of some
// families.
type part struct {
	families []*Family
	servers  []reading
}

// parts divides a table. It does the same for the same table and number of servers.
func parts(table []*Family, servers []reading) iter.Seq[part] {
	return func(yield func(part) bool) {
		begin, size := 0, 0
		for i, f := range table {
			n := 0
			if f.server != nil {
				n = len(servers)
			}
			if size += f.headerBytes + n*f.serverBytes; size < smallestPiece && i < len(table)-1 {
				continue
			}
			if most := f.serversPerPiece(); n > most {
				if i > begin && !yield(part{table[begin:i], servers}) {
					return
				}
				for some := range slices.Chunk(servers, most) {
					if !yield(part{table[i : i+1], some}) {
						return
					}
				}
			} else if !yield(part{table[begin : i+1], servers}) {
				return
			}
			begin, size = i+1, 0
		}
	}
}

// serversPerPiece is how many servers of the family a piece has at most. What a family may
// show is often far more than what it shows.
func (f *Family) serversPerPiece() int {
	return min(max(4, largestPiece/f.serverBytes), 64)
}

// appendMarks appends the marks of the pieces of a page, and of the text at its end.
func (s *scrape) appendMarks(marks []mark, runtime *encodedFamilies) []mark {
	out := samples{}
	for p := range parts(s.set.table, s.servers) {
		headerBefore := out.hasHeader(p)
		out.collect(p.families, s, p.servers)
		marks = append(marks, out.takeMark(headerBefore))
	}
	return append(marks, runtime.mark)
}

// hasHeader reports whether the header of the part stands in a piece before.
func (out *samples) hasHeader(p part) bool { return out.started && p.families[0] == out.family }

// appendFamilies writes the wanted families, but for the pieces that the former page has
// with the marks.
func (p *page) appendFamilies(w Want, table []*Family, sc *scrape, marks []mark) {
	if w.Names != nil {
		table = slices.DeleteFunc(slices.Clone(table), func(f *Family) bool { return !slices.Contains(w.Names, f.Name) })
	}
	if w.Format == Protobuf {
		p.appendProtobuf(table, sc)
		return
	}
	out := samples{page: p, format: w.Format}
	for part := range parts(table, sc.servers) {
		headerBefore := out.hasHeader(part)
		if i := len(p.pieces); i < len(marks) && marks[i] == marks[i].ended(headerBefore) && p.reuse(marks[i]) {
			last := part.families[len(part.families)-1]
			out.started = p.pieces[i].length > 0 || headerBefore && last == out.family
			out.family = last
			continue
		}
		out.collect(part.families, sc, part.servers)
		p.cut(out.takeMark(headerBefore))
	}
}

// cutText ends a compressed piece by the mark of its text.
func (p *page) cutText() {
	m, text := markOf(p.text), p.text
	p.text = p.text[:0]
	if !p.reuse(m) {
		p.text = text
		p.cut(m)
	}
}

// shows reports whether the page has these marks, and is as short as it can be.
func (p *page) shows(marks []mark) bool {
	return p.stored == 0 && slices.EqualFunc(p.pieces, marks, func(a piece, m mark) bool { return a.mark == m })
}
