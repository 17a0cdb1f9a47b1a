package ike

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// cookieLadder is a ladder whose b always asks for a cookie first.
func cookieLadder(t *testing.T, change func(a, b *Connection)) *ladder {
	t.Helper()
	a, b := pskPair()
	if change != nil {
		change(a, b)
	}
	limits := DefaultLimits
	limits.CookiesAt, limits.CookiesAtPeer = 0, 0
	return newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}, Limits: limits})
}

// RFC 7296 2.6: the cookie comes back as the first payload of the same request, whose ID stays 0.
func TestIKE041_CookieReturned(t *testing.T) {
	l := cookieLadder(t, nil)
	var requests [][]byte
	l.tamper = func(f *flight) {
		if f.is("IKE_SA_INIT request") {
			requests = append(requests, slices.Clone(f.d.Data))
		}
	}
	l.connect("net")
	l.pairs(1)
	l.expect(0,
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(COOKIE)",
		"a -> b  IKE_SA_INIT request 0: N(COOKIE) SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: SA KE Nonce",
		"a -> b  IKE_AUTH request 1",
		"b -> a  IKE_AUTH response 1",
	)
	first, second := requests[0], requests[1]
	cookieAt := wire.HeaderLen + 8 + cookieLen
	if !bytes.Equal(first[wire.HeaderLen:], second[cookieAt:]) || !bytes.Equal(first[:16], second[:16]) {
		t.Errorf("behind its cookie the second request differs from the first:\n%x\n%x", first, second)
	}
}

// IKE-046: nothing is computed for a request that has not brought its cookie back.
func TestIKE046_NoWorkBeforeTheCookie(t *testing.T) {
	l := cookieLadder(t, nil)
	l.tamper = func(f *flight) {
		if f.is("IKE_SA_INIT response 0: N(COOKIE)") && (l.b.jobsRun != 0 || len(l.b.e.sas) != 0) {
			t.Errorf("%d jobs and %d SAs before the cookie came back", l.b.jobsRun, len(l.b.e.sas))
		}
	}
	l.connect("net")
	if l.b.jobsRun != 2 {
		t.Errorf("%d jobs of a handshake, want the key exchange and the proofs", l.b.jobsRun)
	}
}

// IKE-003: a response that creates no SA has no responder's SPI, or has one; both work.
func TestIKE003_CookieWithAndWithoutSPI(t *testing.T) {
	for _, spi := range []byte{0, 7} {
		l := cookieLadder(t, nil)
		l.tamper = func(f *flight) {
			if f.is("IKE_SA_INIT response 0: N(COOKIE)") {
				f.d.Data[15] = spi
			}
		}
		l.connect("net")
	}
}

// RFC 7296 2.6: what is no cookie of ours for this request is as good as none.
func TestIKE042_WrongCookies(t *testing.T) {
	l := cookieLadder(t, nil)
	e := l.b.e
	ni := bytes.Repeat([]byte{7}, 32)
	good := e.newCookie(l.now, ni, addrA, 1)
	if len(good) > 64 || !e.goodCookie(l.now, good, ni, addrA, 1) {
		t.Fatalf("a cookie of %d octets is not accepted", len(good))
	}
	flipped := slices.Clone(good)
	flipped[len(flipped)-1] ^= 1
	otherVersion := slices.Clone(good)
	otherVersion[0]++
	for name, bad := range map[string][]byte{
		"empty": {}, "short": good[:len(good)-1], "long": append(slices.Clone(good), 0), "flipped": flipped, "other version": otherVersion,
	} {
		if e.goodCookie(l.now, bad, ni, addrA, 1) {
			t.Errorf("accepts a cookie that is %s", name)
		}
	}
	if e.goodCookie(l.now, good, ni[:31], addrA, 1) || e.goodCookie(l.now, good, ni, addrB, 1) || e.goodCookie(l.now, good, ni, addrA, 2) {
		t.Error("accepts the cookie of another nonce, address or SPI")
	}
}

// RFC 7296 2.6: the secret changes, and the one before is accepted for a while.
func TestIKE040_SecretChanges(t *testing.T) {
	l := cookieLadder(t, nil)
	e, ni := l.b.e, bytes.Repeat([]byte{7}, 32)
	for _, after := range []struct {
		wait time.Duration
		good bool
	}{{cookieTime - 1, true}, {cookieTime, true}, {2*cookieTime - 1, true}, {2 * cookieTime, false}, {time.Hour, false}} {
		start := l.now
		cookie := e.newCookie(start, ni, addrA, 1)
		e.cookie.until = start + int64(cookieTime)
		// The jar turns when it is used, as it would be in a flood.
		for at := start; at < start+int64(after.wait); at += int64(cookieTime) / 2 {
			e.turnCookies(at)
		}
		l.now = start + int64(after.wait)
		if got := e.goodCookie(l.now, cookie, ni, addrA, 1); got != after.good {
			t.Errorf("a cookie is good after %v: %v, want %v", after.wait, got, after.good)
		}
		l.now += int64(time.Hour)
	}
}

// IKE-040: an old secret does not live on because nobody asked.
func TestIKE040_OldSecretAfterAPause(t *testing.T) {
	l := cookieLadder(t, nil)
	e, ni := l.b.e, bytes.Repeat([]byte{7}, 32)
	cookie := e.newCookie(l.now, ni, addrA, 1)
	if e.goodCookie(l.now+int64(time.Hour), cookie, ni, addrA, 1) {
		t.Error("accepts a cookie an hour old")
	}
}

// IKE-043, LIM-08: a server that never stops asking is given up; cookies of impossible length are no cookies.
func TestIKE043_EndlessCookies(t *testing.T) {
	l := pskLadder(t, nil)
	l.tamper = func(f *flight) {
		if f.is("IKE_SA_INIT response") {
			h := f.header
			h.SPIr = 0
			f.d.Data = (&wire.Message{Header: h, Payloads: []wire.Payload{notify(wire.Cookie, []byte{byte(f.n)})}}).Append(nil)
		}
	}
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		t.Fatal(err)
	}
	l.run(long)
	l.a.gone()
	with := 0
	for _, line := range l.log {
		if bytes.Contains([]byte(line), []byte("request 0: N(COOKIE) SA")) {
			with++
		}
	}
	if most := DefaultLimits.CookieRounds + DefaultRetransmit.InitTries; with < DefaultLimits.CookieRounds || with > most {
		t.Errorf("returned cookies in %d requests, want %d, and %d with retransmissions", with, DefaultLimits.CookieRounds, most)
	}
}

func TestIKE043_LengthsOfCookies(t *testing.T) {
	for _, n := range []int{0, 65, 1000} {
		l := pskLadder(t, nil)
		l.tamper = func(f *flight) {
			if f.is("IKE_SA_INIT response") && l.tail(1) != "" && f.n == 2 {
				f.d.Data = (&wire.Message{Header: f.header, Payloads: []wire.Payload{notify(wire.Cookie, make([]byte, n))}}).Append(nil)
			}
		}
		if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
			t.Fatal(err)
		}
		l.settle()
		if l.sent != 2 {
			t.Errorf("a cookie of %d octets is returned", n)
		}
	}
}

// RFC 7296 2.6.1: the cookie stays with the request when another key exchange is asked for, and a new one may be asked for.
func TestIKE045_CookieAndOtherMethod(t *testing.T) {
	l := cookieLadder(t, func(a, b *Connection) {
		a.Proposals = ikeProposals("aes128gcm16-prfsha256-x25519-ecp256")
		b.Proposals = ikeProposals("aes128gcm16-prfsha256-ecp256")
	})
	l.connect("net")
	l.expect(0,
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(COOKIE)",
		"a -> b  IKE_SA_INIT request 0: N(COOKIE) SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(INVALID_KE_PAYLOAD)",
		"a -> b  IKE_SA_INIT request 0: N(COOKIE) SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: SA KE Nonce",
		"a -> b  IKE_AUTH request 1",
		"b -> a  IKE_AUTH response 1",
	)
}

// The other order: the method first, then a cookie.
func TestIKE045_OtherMethodThenCookie(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Proposals = ikeProposals("aes128gcm16-prfsha256-x25519-ecp256")
		b.Proposals = ikeProposals("aes128gcm16-prfsha256-ecp256")
	})
	l.tamper = func(f *flight) {
		if f.is("IKE_SA_INIT response 0: N(INVALID_KE_PAYLOAD)") {
			l.b.e.limits.CookiesAt = 0
		}
	}
	l.connect("net")
	l.expect(0,
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(INVALID_KE_PAYLOAD)",
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(COOKIE)",
		"a -> b  IKE_SA_INIT request 0: N(COOKIE) SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: SA KE Nonce",
		"a -> b  IKE_AUTH request 1",
		"b -> a  IKE_AUTH response 1",
	)
}
