package mgmt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConnections adds up IKE SAs and Child SAs of each configured connection, in the order of the configuration.
func TestConnections(t *testing.T) {
	aged := func(s IKESA, age float64) IKESA {
		s.Age = age
		return s
	}
	since := func(s float64) *float64 { return &s }
	older := child("lan", 9)
	older.Age = 70
	office := Connection{Name: "office", Remote: "192.0.2.2", Children: 2}
	home := Connection{Name: "home", Remote: "0.0.0.0/0", Children: 1, State: StateDown}
	for name, c := range map[string]struct {
		sas  []IKESA
		want Connection
	}{
		"nothing":    {nil, Connection{State: StateDown}},
		"another's":  {[]IKESA{sa("gone", 1, child("lan", 1))}, Connection{State: StateDown}},
		"connecting": {[]IKESA{aged(down(sa("office", 1), "connecting"), 3)}, Connection{State: StateConnecting, IKESAs: 1, Since: since(3)}},
		"closing":    {[]IKESA{aged(down(sa("office", 1), "closing"), 3)}, Connection{State: StateDown, IKESAs: 1}},
		"connecting again": {[]IKESA{aged(down(sa("office", 1), "closing"), 9), aged(down(sa("office", 2), "connecting"), 1)},
			Connection{State: StateConnecting, IKESAs: 2, Since: since(1)}},
		"two attempts": {[]IKESA{aged(down(sa("office", 1), "connecting"), 3), aged(down(sa("office", 2), "authenticating"), 4)},
			Connection{State: StateConnecting, IKESAs: 2, Since: since(4)}},
		"no children":    {[]IKESA{aged(sa("office", 1), 5)}, Connection{State: StateUp, IKESAs: 1, Since: since(5)}},
		"an older child": {[]IKESA{aged(sa("office", 1, older), 5)}, Connection{State: StateUp, IKESAs: 1, ChildrenUp: 1, ChildSAs: 1, Since: since(70)}},
		"per resource": {[]IKESA{aged(sa("office", 1, child("lan", 1), child("lan", 2), child("voice", 3)), 5)},
			Connection{State: StateUp, IKESAs: 1, ChildrenUp: 2, ChildSAs: 3, Since: since(5)}},
		"replaced": {[]IKESA{aged(down(sa("office", 1), "replaced"), 99), aged(sa("office", 2, child("lan", 1)), 5)},
			Connection{State: StateUp, IKESAs: 2, ChildrenUp: 1, ChildSAs: 1, Since: since(5)}},
		"replaced, after its successor": {[]IKESA{aged(sa("office", 2), 5), aged(down(sa("office", 1), "replaced"), 99)},
			Connection{State: StateUp, IKESAs: 2, Since: since(5)}},
		"two peers": {[]IKESA{aged(sa("office", 1, child("lan", 1)), 5), aged(sa("office", 2, child("lan", 2)), 7)},
			Connection{State: StateUp, IKESAs: 2, ChildrenUp: 1, ChildSAs: 2, Since: since(7)}},
	} {
		want := c.want
		want.Name, want.Remote, want.Children = office.Name, office.Remote, office.Children
		configured := []Configured{{"office", "192.0.2.2", []string{"lan", "voice"}}, {"home", "0.0.0.0/0", []string{"all"}}}
		if diff := cmp.Diff([]Connection{want, home}, connections(configured, c.sas)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
