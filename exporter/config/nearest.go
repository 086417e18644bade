package config

import "strings"

// nearest returns the known key that the dotted name is most likely a slip of the
// pen for, or nothing: a similar key of the same block, or the same key of another.
func nearest(dotted string, known []string) string {
	prefix, name := cutLast(dotted)
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range known {
		candidatePrefix, last := cutLast(candidate)
		if candidatePrefix != prefix && last != name {
			continue
		}
		if d := editDistance(name, last); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

func cutLast(dotted string) (prefix, name string) {
	i := strings.LastIndexByte(dotted, '.') + 1
	return dotted[:i], dotted[i:]
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
