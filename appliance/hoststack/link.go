package hoststack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// link is the end of a NIC at the wire: netstack writes frames to it, Receive delivers those of the lcores. Without a link
// address it carries bare IP packets. It is safe for concurrent use.
type link struct {
	address tcpip.LinkAddress
	mtu     uint32 // of IP packets, octets
	write   func(frame []byte) bool

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher // nil before the NIC is made and after it is gone
}

var _ stack.LinkEndpoint = (*link)(nil)

// deliver copies frame, whose network header is at l3, into the stack. The first octets are an Ethernet header unless l3 is 0.
func (l *link) deliver(protocol tcpip.NetworkProtocolNumber, frame []byte, l3 int) {
	l.mu.RLock()
	dispatcher := l.dispatcher
	l.mu.RUnlock()
	if dispatcher == nil {
		return
	}
	packet := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame)})
	defer packet.DecRef()
	packet.PktType = tcpip.PacketHost
	if l3 > 0 {
		packet.LinkHeader().Consume(l3)
		packet.PktType = l.packetType(tcpip.LinkAddress(frame[:len(l.address)]))
	}
	dispatcher.DeliverNetworkPacket(protocol, packet)
}

// packetType tells netstack for whom a frame was.
func (l *link) packetType(to tcpip.LinkAddress) tcpip.PacketType {
	switch {
	case to == header.EthernetBroadcastAddress:
		return tcpip.PacketBroadcast
	case header.IsMulticastEthernetAddress(to):
		return tcpip.PacketMulticast
	case to == l.address:
		return tcpip.PacketHost
	}
	return tcpip.PacketOtherHost
}

// WritePackets sends packets until one is refused, and tells netstack how many went.
func (l *link) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for i, packet := range packets.AsSlice() {
		frame := packet.ToView()
		ok := l.write(frame.AsSlice())
		frame.Release()
		if !ok {
			return i, &tcpip.ErrNoBufferSpace{}
		}
	}
	return packets.Len(), nil
}

// AddHeader puts the Ethernet header in front of a packet.
func (l *link) AddHeader(packet *stack.PacketBuffer) {
	if l.address == "" {
		return
	}
	header.Ethernet(packet.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: l.address,
		DstAddr: packet.EgressRoute.RemoteLinkAddress,
		Type:    packet.NetworkProtocolNumber,
	})
}

// MaxHeaderLength is the room that netstack leaves for AddHeader.
func (l *link) MaxHeaderLength() uint16 {
	if l.address == "" {
		return 0
	}
	return header.EthernetMinimumSize
}

// Capabilities: with a link layer, next hops are to be resolved.
func (l *link) Capabilities() stack.LinkEndpointCapabilities {
	if l.address == "" {
		return 0
	}
	return stack.CapabilityResolutionRequired
}

// ARPHardwareType is Ethernet, or none.
func (l *link) ARPHardwareType() header.ARPHardwareType {
	if l.address == "" {
		return header.ARPHardwareNone
	}
	return header.ARPHardwareEther
}

// Attach is netstack's way to give the link its NIC, and to take it away.
func (l *link) Attach(dispatcher stack.NetworkDispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatcher = dispatcher
}

// IsAttached reports whether there is a NIC.
func (l *link) IsAttached() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dispatcher != nil
}

// MTU returns octets of IP packet.
func (l *link) MTU() uint32 { return l.mtu }

// LinkAddress returns the port's MAC address, or an empty one.
func (l *link) LinkAddress() tcpip.LinkAddress { return l.address }

// ParseHeader is for packets that netstack bridges; ours come by deliver, their header parsed.
func (l *link) ParseHeader(*stack.PacketBuffer) bool { return true }

// The rest of stack.LinkEndpoint: MTU and address are the configuration's, and a link has no goroutines.

func (l *link) SetMTU(uint32)                    {}
func (l *link) SetLinkAddress(tcpip.LinkAddress) {}
func (l *link) Wait()                            {}
func (l *link) Close()                           {}
func (l *link) SetOnCloseAction(func())          {}
