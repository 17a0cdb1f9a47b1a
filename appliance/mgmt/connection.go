package mgmt

// Connection is one line of "show connections". A value.
type Connection struct {
	Name       string   `json:"name"`
	State      string   `json:"state"` // one of the states below
	Remote     string   `json:"remote"`
	IKESAs     int      `json:"ike_sas"`
	Children   int      `json:"children"`    // configured
	ChildrenUp int      `json:"children_up"` // that have a Child SA that is up
	ChildSAs   int      `json:"child_sas"`   // that are up
	Since      *float64 `json:"since_s"`     // how long it has been up or connecting, by the oldest of its SAs there still is; null: down
}

// The states of a connection.
const (
	StateUp         = "up"         // it has an IKE SA that is up
	StateConnecting = "connecting" // it has IKE SAs that are coming up, and none that is up
	StateDown       = "down"
)

// connections adds up the SAs of each configured connection.
func connections(configured []Configured, sas []IKESA) []Connection {
	out := make([]Connection, len(configured))
	at := make(map[string]*Connection, len(configured))
	for i, c := range configured {
		out[i] = Connection{Name: c.Name, State: StateDown, Remote: c.Remote, Children: len(c.Children)}
		at[c.Name] = &out[i]
	}
	up := map[[2]string]bool{} // connection and child
	for i := range sas {
		c := at[sas[i].Connection]
		if c == nil {
			continue
		}
		c.add(&sas[i])
		for _, child := range sas[i].Children {
			if id := [2]string{c.Name, child.Name}; child.Up && !up[id] {
				up[id] = true
				c.ChildrenUp++
			}
		}
	}
	return out
}

// add counts one IKE SA.
func (c *Connection) add(sa *IKESA) {
	c.IKESAs++
	age := sa.Age
	for i := range sa.Children {
		age = max(age, sa.Children[i].Age)
		if sa.Children[i].Up {
			c.ChildSAs++
		}
	}
	switch {
	case sa.Ending:
		return
	case sa.Up && c.State != StateUp: // what others are at is of no account from now on
		c.State, c.Since = StateUp, &age
	case sa.Up == (c.State == StateUp) && (c.Since == nil || age > *c.Since):
		c.Since = &age
	}
	if c.State == StateDown {
		c.State = StateConnecting
	}
}
