package config

import "strings"

// nearest returns the candidate that name is most likely a slip of the pen for,
// or nothing. Candidates are dotted; the last part counts most, so that a key in
// the wrong block is found too.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range candidates {
		last := candidate[strings.LastIndexByte(candidate, '.')+1:]
		if d := editDistance(name, last); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
