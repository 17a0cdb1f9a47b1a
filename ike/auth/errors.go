package auth

// Stage is the step of authentication that failed.
type Stage uint8

// The stages, in the order they are passed.
const (
	StageConfig      Stage = iota // our side lacks the secret, key or trust that the entry demands
	StageIdentity                 // malformed identity, or one that the entry does not admit
	StageMethod                   // another authentication method than the entry or the exchange demands
	StageCertificate              // no acceptable chain from the certificates sent
	StageRevocation               // revoked, or no fresh revocation list where one is demanded
	StageBinding                  // the certificate is another identity's
	StageProof                    // shared-secret MAC or signature is wrong
)

// stageNames are for the log.
var stageNames = [...]string{
	StageConfig: "configuration", StageIdentity: "identity", StageMethod: "method", StageCertificate: "certificate",
	StageRevocation: "revocation", StageBinding: "binding", StageProof: "proof",
}

// String is one word for logs and counters.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "unknown"
}

// Error is why a peer was not authenticated, or why we could not authenticate to it. It is for the operator and must not
// reach the peer. Text of the peer's is escaped and at most 256 octets long (LIM-18); secrets are never in it. Immutable.
type Error struct {
	Stage  Stage
	Reason string // constant text
	Detail string // what was seen and what was expected; may be empty
	Err    error  // cause, nil if there is no other error
}

// Error is stage, reason and detail in one line.
func (e *Error) Error() string {
	text := "authentication: " + e.Stage.String() + ": " + e.Reason
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + clip(escape([]byte(e.Err.Error())))
	}
	return text
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }
