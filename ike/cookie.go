package ike

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"time"
)

// A cookie is version | HMAC-SHA256(secret, Ni | IPi | SPIi) (RFC 7296 2.6). No port: it may change between the two
// requests, in TCP for one (RFC 9329 6.3).
const cookieLen = 1 + sha256.Size

// cookieTime is how long a secret makes cookies. It accepts them for as long again, which is the most that a peer has.
const cookieTime = time.Minute

// cookieJar is the two latest secrets. Its zero value draws them at first use.
type cookieJar struct {
	version byte
	secrets [2][sha256.Size]byte // by the version's lowest bit
	until   int64
}

// turn replaces the older secret when the newer has served its time.
func (e *Engine) turnCookies(now int64) {
	j := &e.cookie
	if j.until != 0 && now < j.until {
		return
	}
	// After a long pause the previous secret is no younger than it was, so it goes too.
	if j.until == 0 || now >= j.until+int64(cookieTime) {
		e.random(j.secrets[j.version&1][:])
	}
	j.version++
	e.random(j.secrets[j.version&1][:])
	j.until = now + int64(cookieTime)
}

func (j *cookieJar) make(version byte, ni []byte, from netip.Addr, spiI uint64) []byte {
	mac := hmac.New(sha256.New, j.secrets[version&1][:])
	mac.Write(ni)
	mac.Write(from.Unmap().AsSlice())
	mac.Write(binary.BigEndian.AppendUint64(nil, spiI))
	return mac.Sum([]byte{version})
}

// newCookie is the cookie that a request has to bring back.
func (e *Engine) newCookie(now int64, ni []byte, from netip.Addr, spiI uint64) []byte {
	e.turnCookies(now)
	return e.cookie.make(e.cookie.version, ni, from, spiI)
}

// goodCookie reports whether a cookie is one of ours for that request, in constant time. A wrong one is as good as none
// (RFC 7296 2.6).
func (e *Engine) goodCookie(now int64, cookie, ni []byte, from netip.Addr, spiI uint64) bool {
	if len(cookie) != cookieLen {
		return false
	}
	e.turnCookies(now)
	j := &e.cookie
	if v := cookie[0]; v != j.version && v != j.version-1 {
		return false
	}
	return subtle.ConstantTimeCompare(cookie, j.make(cookie[0], ni, from, spiI)) == 1
}
