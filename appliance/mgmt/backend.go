package mgmt

import "context"

// Backend is the appliance as the admin socket sees it. Its methods are safe for concurrent use. Names that are not configured
// are refused with an error that says which name is the nearest. The caller owns what they return.
type Backend interface {
	// Configured lists the connections of the configuration, in its order.
	Configured() []Configured
	// SAs lists the IKE SAs with their Child SAs, the oldest IKE SA first.
	SAs(ctx context.Context) ([]IKESA, error)
	// Static lists the SAs whose keys are in the configuration.
	Static() []StaticSA
	// Failures lists the latest failed negotiations, the oldest first. A failure that is listed twice is equal both times.
	Failures(ctx context.Context) ([]Failure, error)
	// Status is what "show ports", "show lcores" and "show drops" print.
	Status() Status

	// Initiate begins to bring up a connection, or one child of it; "" is all of them. It does not wait.
	Initiate(ctx context.Context, connection, child string) error
	// Terminate begins to delete the IKE SAs of a connection. It does not wait.
	Terminate(ctx context.Context, connection string) error
	// Rekey begins to replace the youngest IKE SA of a connection that is up, its Child SAs, or both. It does not wait.
	Rekey(ctx context.Context, connection string, ike, children bool) error
}
