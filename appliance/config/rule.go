package config

// rule is a combination of keys of one table that is refused. It is skipped when one of the keys was refused already.
type rule[T any] struct {
	key  string   // the key that the problem is reported for
	with []string // the other keys it looks at
	bad  func(*T) bool
	got  func(*T) string
	want string
}

// says returns a fixed description.
func says[T any](s string) func(*T) string { return func(*T) string { return s } }

// check refuses the combinations of a table.
func check[T any](r *reader, at *place, rules []rule[T], v *T) {
	for _, rule := range rules {
		if at.ok(rule.key) && at.ok(rule.with...) && rule.bad(v) {
			r.refuse(at, rule.key, rule.got(v), rule.want)
		}
	}
}
