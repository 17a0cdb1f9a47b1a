package esp

// Sizes of outer headers and largest outer packets, in octets.
const (
	ipv4Len = 20
	ipv6Len = 40
	udpLen  = 8

	maxIPv4 = 65535           // Total Length has 16 bits
	maxIPv6 = ipv6Len + 65535 // so has Payload Length

	maxBucket = 65535
)

// Overhead is what ESP adds to a payload, in octets.
type Overhead struct {
	Outer  int // outer IP header, UDP header
	Header int // ESP header and IV
	ICV    int // integrity check value
	Align  int // payload, padding and the 2 octets of trailer are a multiple of it
}

// PacketSize returns the octets of the outer IP packet for a payload of n octets.
func (o Overhead) PacketSize(n int) int {
	text := (n + trailerLen + o.Align - 1) / o.Align * o.Align
	return o.Outer + o.Header + text + o.ICV
}

// Capacity returns the largest payload whose outer IP packet has at most outer octets; negative or 0 where none fits.
func (o Overhead) Capacity(outer int) int {
	room := outer - o.Outer - o.Header - o.ICV
	if room < 0 {
		return 0
	}
	return room/o.Align*o.Align - trailerLen
}

// overhead is what an SA made from p adds.
func (p *Params) overhead() Overhead {
	outer := ipv6Len
	if p.Src.Is4() {
		outer = ipv4Len
	}
	if p.Encap == EncapUDP {
		outer += udpLen
	}
	return Overhead{outer, headerLen + p.Suite.IVLen(), p.Suite.ICVLen(), p.Suite.Align()}
}

// PayloadCapacity returns how many octets of ESP payload (before padding and trailer) fit so that the outer IP packet is
// as large as possible, but not above outerSize octets. A *ParamError says that p is no SA or that nothing fits.
func PayloadCapacity(p *Params, outerSize int) (int, error) {
	if err := p.validateOuter(); err != nil {
		return 0, err
	}
	n := p.overhead().Capacity(outerSize)
	if n < 1 {
		return 0, &ParamError{"outer size", outerSize, "room for at least one octet of payload"}
	}
	return n, nil
}

// tfc returns the TFC rule of p as two numbers: the payload is rounded up to a multiple of bucket octets, but the outer
// packet not made larger than size. TFCMTU is the largest bucket; bucket 0 is off.
func (p *Params) tfc() (bucket, size uint16, err error) {
	most := p.MTU
	if most == 0 {
		most = maxIPv4
	}
	switch p.TFC.Mode {
	case TFCOff:
		return 0, 0, nil
	case TFCMTU:
		bucket = maxBucket
	case TFCBucket:
		bucket = uint16(p.TFC.Bucket)
	}
	if _, err := PayloadCapacity(p, most); err != nil {
		return 0, 0, &ParamError{"MTU", p.MTU, "room for at least one octet of payload"}
	}
	return bucket, uint16(min(most, maxIPv4)), nil
}
