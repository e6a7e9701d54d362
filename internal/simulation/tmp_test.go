package simulation
import ("testing";"regexp";"os";"strconv")
func TestTmp(t *testing.T) {
	n,_ := strconv.Atoi(os.Getenv("N"))
	digits := regexp.MustCompile(`[0-9][0-9.:hmsµ]*`)
	type c struct{n int; seed uint64; s string}
	m := map[string]*c{}
	for seed := uint64(1); seed <= uint64(n); seed++ {
		o := Play(t, NewPlan(seed), Collaborators{})
		seen := map[string]bool{}
		for _, f := range o.Findings {
			k := f.Rule+": "+digits.ReplaceAllString(f.Text,"N")
			if seen[k] {continue}
			seen[k]=true
			if m[k]==nil {m[k]=&c{seed:seed,s:f.String()}}
			m[k].n++
		}
	}
	for k,v := range m { t.Logf("%5d seed %5d %.170s", v.n, v.seed, k) }
}
