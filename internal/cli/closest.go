package cli

// Closest returns the candidate that word was most likely meant to be, or an
// empty string if it is like none of them. It counts the letters to put in, take
// out or exchange (Levenshtein's distance), and lets pass a third of the word.
func Closest(word string, candidates []string) string {
	best, least := "", len(word)/3+1
	for _, candidate := range candidates {
		if d := distance(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1) // the distances of a's beginning to b's beginnings
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			exchange := diagonal
			if a[i] != b[j] {
				exchange++
			}
			diagonal = row[j+1]
			row[j+1] = min(exchange, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
