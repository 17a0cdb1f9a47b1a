//go:build !race

package mbuf

import "golang.org/x/sys/unix"

// region is the memory of a pool.
type region struct{ bytes []byte }

// mapRegion maps n octets outside the Go heap, on 2 MiB pages if asked for and there.
func mapRegion(n int, huge, prime bool) (region, error) {
	const hugePage = 2 << 20
	flags := unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	if prime {
		flags |= unix.MAP_POPULATE
	}
	prot := unix.PROT_READ | unix.PROT_WRITE
	if huge {
		if b, err := unix.Mmap(-1, 0, (n+hugePage-1)&^(hugePage-1), prot, flags|unix.MAP_HUGETLB); err == nil {
			return region{b}, nil
		}
	}
	b, err := unix.Mmap(-1, 0, n, prot, flags)
	return region{b}, err
}

func (r region) unmap() error { return unix.Munmap(r.bytes) }
