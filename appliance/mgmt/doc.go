// Package mgmt is the admin socket: how an operator's commands reach a running appliance. A request is a line of JSON, and so
// is its answer, on a unix stream socket that only its owner and root can use:
//
//	{"verb":"show","what":"sas"}                            {"ok":true,"result":{"ike":[...],"static":[...]}}
//	{"verb":"initiate","name":"office","timeout_ms":10000}  {"ok":false,"error":"IKE_AUTH with 192.0.2.2:500 failed: ..."}
//
// Serve is the appliance's side, Call the operator's. What Serve shows and orders it gets from a Backend, in the types of
// this package: they are the format of the answers. No key and no secret has a place in them.
//
// There is no authorisation below the connection: whoever may open the socket may do everything.
package mgmt
