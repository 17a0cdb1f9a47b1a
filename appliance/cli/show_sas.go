package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stillwater/appliance/mgmt"
)

// printSAs prints a table of IKE SAs, one of their Child SAs and one of static SAs; empty ones are left out.
func printSAs(w io.Writer, sas mgmt.SAs) {
	if len(sas.IKE)+len(sas.Static) == 0 {
		row(w, "no SAs")
		return
	}
	if len(sas.IKE) > 0 {
		printIKE(w, sas.IKE)
		fmt.Fprintln(w)
		printChildren(w, sas.IKE)
	}
	if len(sas.Static) > 0 {
		if len(sas.IKE) > 0 {
			fmt.Fprintln(w)
		}
		row(w, "TUNNEL", "LCORE", "SPI IN", "SPI OUT", "SUITE", "PACKETS IN", "OCTETS IN", "PACKETS OUT", "OCTETS OUT")
		for _, s := range sas.Static {
			row(w, s.Tunnel, s.Lcore, s.SPIIn, s.SPIOut, s.Suite, s.Received.Packets, s.Received.Octets, s.Sent.Packets, s.Sent.Octets)
		}
	}
}

func printIKE(w io.Writer, list []mgmt.IKESA) {
	row(w, "CONNECTION", "STATE", "ROLE", "REMOTE", "REMOTE ID", "SPI I", "SPI R", "SUITE", "AGE", "REKEY IN")
	for _, s := range list {
		role, remote := "responder", s.Remote.String()
		if s.Initiator {
			role = "initiator"
		}
		if s.UDP {
			remote += " udp"
		}
		row(w, s.Connection, s.State, role, remote, orDash(s.RemoteID), s.SPIi, s.SPIr, s.Suite, span(s.Age), spanOrDash(s.RekeyIn))
	}
}

func printChildren(w io.Writer, list []mgmt.IKESA) {
	row(w, "CHILD", "STATE", "LCORE", "SPI IN", "SPI OUT", "SUITE", "MODE", "LOCAL", "REMOTE", "AGE", "REKEY IN", "PACKETS IN", "OCTETS IN", "PACKETS OUT", "OCTETS OUT")
	for _, s := range list {
		for _, c := range s.Children {
			lcore := fmt.Sprint(c.Lcore)
			if c.Fallback {
				lcore += " fallback"
			}
			row(w, s.Connection+"/"+c.Name, c.State, lcore, c.SPIIn, c.SPIOut, c.Suite, c.Mode,
				orDash(strings.Join(c.Local, " ")), orDash(strings.Join(c.Remote, " ")), span(c.Age), spanOrDash(c.RekeyIn),
				c.Received.Packets, c.Received.Octets, c.Sent.Packets, c.Sent.Octets)
		}
	}
}

func printConnections(w io.Writer, list []mgmt.Connection) {
	if len(list) == 0 {
		row(w, "no connections")
		return
	}
	row(w, "CONNECTION", "STATE", "REMOTE", "IKE SAS", "CHILDREN UP", "CHILD SAS", "SINCE")
	for _, c := range list {
		row(w, c.Name, c.State, c.Remote, c.IKESAs, fmt.Sprintf("%d of %d", c.ChildrenUp, c.Children), c.ChildSAs, spanOrDash(c.Since))
	}
}

// printFailures prints a line each, the latest last, where an operator looks first.
func printFailures(w io.Writer, list []mgmt.Failure) {
	if len(list) == 0 {
		row(w, "no failures")
		return
	}
	row(w, "TIME", "CONNECTION", "VERDICT")
	for _, f := range list {
		row(w, f.Time.Local().Format(time.DateTime), orDash(f.Connection), f)
	}
}

// span is a number of seconds for people: "3m12s".
func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

func spanOrDash(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return span(*seconds)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
