package ike

import (
	"errors"

	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// What to change in the configuration when authentication fails at a stage, with a shared secret and with certificates.
var (
	blamePSK = map[auth.Stage]string{
		auth.StageConfig: "psk_file", auth.StageIdentity: "remote_id", auth.StageMethod: "remote_auth", auth.StageProof: "psk_file",
	}
	blameCert = map[auth.Stage]string{
		auth.StageConfig: "ca_file", auth.StageIdentity: "remote_id", auth.StageMethod: "remote_auth", auth.StageCertificate: "ca_file",
		auth.StageRevocation: "crl_file", auth.StageBinding: "remote_id", auth.StageProof: "ca_file",
	}
)

// blamePeer is the key for a proof of the peer's that did not hold.
func (c *Connection) blamePeer(err error) string {
	bad := (*auth.Error)(nil)
	switch {
	case !errors.As(err, &bad):
		return ""
	case c.Them.Method == auth.PSK:
		return blamePSK[bad.Stage]
	}
	return blameCert[bad.Stage]
}

// blameSelf is the key for a proof of our own that could not be made.
func (c *Connection) blameSelf(err error) string {
	bad := (*auth.Error)(nil)
	switch {
	case c.Self.Method == auth.PSK:
		return "psk_file"
	case errors.As(err, &bad) && bad.Stage == auth.StageMethod:
		return "signature"
	}
	return "key_file"
}

// blameRefusal is the keys for a proof of our own that the peer did not take.
func (c *Connection) blameRefusal(n wire.NotifyType) string {
	switch {
	case n != wire.AuthenticationFailed:
		return ""
	case c.Self.Method == auth.PSK:
		return "local_id, psk_file"
	}
	return "local_id, cert_file"
}
