package ike

// Requests that may meet something this end is doing (RFC 7296 2.25).
type requestKind uint8

const (
	requestCreate requestKind = iota // CREATE_CHILD_SA for a new Child SA
	requestRekey                     // for the rekey of one
	requestRekeyIKE
	requestDelete // of a Child SA
	requestDeleteIKE
	requestKinds
)

// What this end is doing with the IKE SA.
type activity uint8

const (
	activityNone       activity = iota
	activityChild               // creating, rekeying or closing a Child SA
	activityRekeyIKE            // our rekey of the IKE SA is out
	activityClosingIKE          // our Delete of the IKE SA is out, or it is replaced and waits for one
	activities
)

// What this end is doing with the Child SA that a request names.
type condition uint8

const (
	conditionIdle condition = iota
	conditionRekeying
	conditionClosing
	conditionUnknown
	conditions
)

// ruling is what becomes of a request.
type ruling uint8

const (
	proceed          ruling = iota // as usual
	temporaryFailure               // N(TEMPORARY_FAILURE)
	childNotFound                  // N(CHILD_SA_NOT_FOUND)
	answerDelete                   // close, answer with a Delete payload
	answerEmpty                    // answer without one
)

// ikeRulings is RFC 7296 2.25.1 last paragraph and 2.25.2.
var ikeRulings = [requestKinds][activities]ruling{
	//                  none     child             rekeying IKE      closing IKE
	requestCreate:    {proceed, proceed, temporaryFailure, temporaryFailure},
	requestRekey:     {proceed, proceed, temporaryFailure, temporaryFailure},
	requestRekeyIKE:  {proceed, temporaryFailure, proceed, temporaryFailure},
	requestDelete:    {proceed, proceed, proceed, proceed},
	requestDeleteIKE: {proceed, proceed, proceed, proceed},
}

// childRulings is RFC 7296 2.25.1. Where both ends rekey an SA the nonces decide later (2.8.1).
var childRulings = [requestKinds][conditions]ruling{
	//               idle          rekeying      closing           unknown
	requestRekey:  {proceed, proceed, temporaryFailure, childNotFound},
	requestDelete: {answerDelete, answerDelete, answerEmpty, answerEmpty},
}

// ruling is what becomes of a request as far as the IKE SA is concerned.
func (s *ikeSA) ruling(r requestKind) ruling { return ikeRulings[r][s.activity()] }

// activity is what this end is doing with the IKE SA.
func (s *ikeSA) activity() activity {
	if s.state != stateEstablished {
		return activityClosingIKE
	}
	switch t := s.current().(type) {
	case *ikeRekeyTask:
		if t.sent {
			return activityRekeyIKE
		}
	case *createTask, *rekeyTask, *deleteTask, *orphanTask:
		return activityChild
	}
	if s.settling > 0 {
		return activityChild
	}
	return activityNone
}

// childRuling is what becomes of a request about a Child SA, nil: one that this end does not have.
func childRuling(r requestKind, c *childSA) ruling { return childRulings[r][childCondition(r, c)] }

// childCondition is what this end is doing with a Child SA. A Delete that is decided but not out is no reason to answer the
// peer's without one: ours will not be sent.
func childCondition(r requestKind, c *childSA) condition {
	switch {
	case c == nil || !c.known():
		return conditionUnknown
	case r == requestDelete && c.phase == childDeleting && !c.deleteSent:
		return conditionIdle
	case c.phase == childDeleting:
		return conditionClosing
	case r == requestRekey && (c.decided || c.phase == childReplaced || c.rival != nil && c.rival.known()):
		return conditionClosing // it has been rekeyed and only waits for its end
	case c.rekeying != nil:
		return conditionRekeying
	}
	return conditionIdle
}
