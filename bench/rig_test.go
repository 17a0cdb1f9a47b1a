package bench

import "testing"

// build returns the circuit of that scenario and closes it at the end of the test.
func build(t testing.TB, name string, size int) circuit {
	t.Helper()
	for _, s := range scenarios {
		if s.name != name {
			continue
		}
		c, err := s.build(size)
		if err != nil {
			t.Fatalf("%s for %d octets: %v", name, size, err)
		}
		t.Cleanup(func() {
			if err := c.close(); err != nil && !t.Failed() {
				t.Errorf("%s for %d octets: close: %v", name, size, err)
			}
		})
		return c
	}
	t.Fatalf("no scenario %s", name)
	return nil
}

// onePass sends everything out and back.
func onePass(t testing.TB, c circuit) (out, in int) {
	t.Helper()
	out = c.out()
	if err := c.carry(); err != nil {
		t.Fatal(err)
	}
	in = c.in()
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	return out, in
}
