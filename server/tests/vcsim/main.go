// An ESXi or a vCenter for the tests of the vSphere adapter: VMware's own simulator (Debian's golang-github-vmware-govmomi-dev) with a
// small carrier on it. Prints its address and its certificate's SHA-256, and ends when its standard input does.
//
// On the ESXi: voice on a switch of its own without a way out and with MTU 9000, and a machine with a card there. A line
// "uplink" on standard input plugs a card of the host into that switch.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net/url"
	"os"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The certificate that Go's own test server brings has a key of 1024 bits, which our side rightly refuses.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now()
	template := x509.Certificate{SerialNumber: big.NewInt(now.Unix()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// What is behind AddVirtualSwitch, which forgets the MTU.
func voice() *simulator.HostNetworkSystem {
	host := simulator.Map.Any("HostSystem").(*simulator.HostSystem)
	network := simulator.Map.Get(*host.ConfigManager.NetworkSystem).(*simulator.HostNetworkSystem)
	// The simulator keeps two copies, and the one that is changed begins with half of the other.
	info := *host.Config.Network
	network.NetworkInfo = &info
	network.NetworkInfo.Vswitch = append(network.NetworkInfo.Vswitch,
		types.HostVirtualSwitch{Name: "vSwitch1", Key: "key-vim.host.VirtualSwitch-vSwitch1", Mtu: 9000})
	network.NetworkInfo.Portgroup = append(network.NetworkInfo.Portgroup,
		types.HostPortGroup{Key: "key-vim.host.PortGroup-voice", Spec: types.HostPortGroupSpec{Name: "voice", VswitchName: "vSwitch1"}})
	return network
}

func machine() {
	vm := simulator.Map.Any("VirtualMachine").(*simulator.VirtualMachine)
	vm.Name = "kamailio-01"
	for _, device := range vm.Config.Hardware.Device {
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			ethernet := card.GetVirtualEthernetCard()
			ethernet.MacAddress = "00:0C:29:AA:BB:01"
			ethernet.Connectable.Connected = true
			ethernet.Backing = &types.VirtualEthernetCardNetworkBackingInfo{
				VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "voice"}}
		}
	}
}

func main() {
	esx := flag.Bool("esx", false, "a lone ESXi, not a vCenter")
	machines := flag.Int("machines", 2, "machines per host or pool")
	flag.DurationVar(&simulator.SessionIdleTimeout, "idle", 0, "a session not used for so long is over")
	flag.Parse()
	model := simulator.VPX()
	if *esx {
		model = simulator.ESX()
	}
	model.Machine = *machines
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()
	var network *simulator.HostNetworkSystem
	if *esx {
		network = voice()
		machine()
	}
	own := certificate()
	model.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword("root", "se<r>et & more")}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	server := model.Service.NewServer()
	defer server.Close()
	fmt.Printf("https://%s/sdk %x\n", server.URL.Host, sha256.Sum256(own.Certificate[0]))
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if orders.Text() == "uplink" && network != nil {
			last := len(network.NetworkInfo.Vswitch) - 1
			network.NetworkInfo.Vswitch[last].Pnic = []string{network.NetworkInfo.Pnic[0].Key}
			fmt.Println("done")
		}
	}
}
