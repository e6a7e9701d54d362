package cli

// Closest returns the candidate that is most similar to word, or an empty
// string if none is similar. It counts the letters to insert, remove or
// exchange (Levenshtein distance), and allows a third of the word.
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
