// Package visitor tells from an address and a user agent who came: country,
// network, device, operating system, browser.
//
// It describes, for reports and for the rules of a campaign. It recognizes no
// crawler and no reviewer, keeps nothing, and asks nobody: its data is in the
// program or in files that the buyer has.
//
// Countries come with the program, from IP2Location's LITE database
// (http://www.ip2location.com) through the module phuslu/iploc, which is renewed
// every month: raise its version to renew them. Files in MaxMind's format may
// replace them, and add regions, cities and networks.
package visitor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/mileusna/useragent"
	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/phuslu/iploc"

	"subfive"
)

// Files are databases in MaxMind's format (.mmdb), GeoLite2, GeoIP2, DB-IP or
// alike; "" for none.
type Files struct {
	Places   string // countries, or cities: replaces the countries that are built in
	Networks string // autonomous systems
}

// Reader recognizes visitors. It is safe for concurrent use.
type Reader struct {
	places, networks *maxminddb.Reader // nil: none
}

// Open returns a Reader, with the files that are named.
func Open(f Files) (*Reader, error) {
	r := &Reader{}
	for _, file := range []struct {
		name string
		into **maxminddb.Reader
	}{{f.Places, &r.places}, {f.Networks, &r.networks}} {
		if file.name == "" {
			continue
		}
		db, err := load(file.name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w: it must be a database in MaxMind's format (.mmdb)", file.name, err), r.Close())
		}
		*file.into = db
	}
	return r, nil
}

// load reads a file into memory. Mapped, one that is rewritten in place, as its
// updaters do, would end the process at the next visitor.
func load(name string) (*maxminddb.Reader, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return maxminddb.OpenBytes(data)
}

// Close closes the files. The Reader is of no use after it.
func (r *Reader) Close() error {
	var errs []error
	for _, db := range []*maxminddb.Reader{r.places, r.networks} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Recognize says what is known. An address that no visitor on the Internet has
// is in no country.
func (r *Reader) Recognize(addr netip.Addr, userAgent string) subfive.Visitor {
	v := subfive.Visitor{}
	v.Device, v.OS, v.Browser = agent(userAgent)
	if addr = addr.Unmap().WithZone(""); !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return v
	}
	r.place(addr, &v)
	r.network(addr, &v)
	return v
}

// name is how the files name a place in English.
type name struct {
	English string `maxminddb:"en"`
}

func (r *Reader) place(addr netip.Addr, v *subfive.Visitor) {
	if r.places == nil {
		if c := iploc.IPCountry(addr); len(c) == 2 && c != "ZZ" && isLetters(c) {
			v.Country = strings.Clone(c)
		}
		return
	}
	var found struct {
		Country struct {
			Code string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		Regions []struct {
			Code  string `maxminddb:"iso_code"`
			Names name   `maxminddb:"names"`
		} `maxminddb:"subdivisions"`
		City struct {
			Names name `maxminddb:"names"`
		} `maxminddb:"city"`
		Flat string `maxminddb:"country_code"` // of smaller databases
	}
	if r.places.Lookup(addr).Decode(&found) != nil {
		return // a file that can't be read there says nothing of it
	}
	v.Country, v.City = strings.ToUpper(found.Country.Code), found.City.Names.English
	if v.Country == "" {
		v.Country = strings.ToUpper(found.Flat)
	}
	if len(found.Regions) > 0 {
		if v.Region = found.Regions[0].Code; v.Region == "" {
			v.Region = found.Regions[0].Names.English
		}
	}
}

func isLetters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

func (r *Reader) network(addr netip.Addr, v *subfive.Visitor) {
	if r.networks == nil {
		return
	}
	var found struct {
		Number uint32 `maxminddb:"autonomous_system_number"`
		Name   string `maxminddb:"autonomous_system_organization"`
	}
	if r.networks.Lookup(addr).Decode(&found) == nil {
		v.ASN, v.Carrier = found.Number, found.Name
	}
}

// agent reads a user agent. What the library does not know is left empty; the
// in-app browsers that paid clicks come from have names of their own.
func agent(userAgent string) (device, system, browser string) {
	if userAgent == "" {
		return "", "", ""
	}
	ua := useragent.Parse(userAgent)
	device = subfive.DeviceOther
	switch {
	case ua.Tablet:
		device = subfive.DeviceTablet
	case ua.Mobile:
		device = subfive.DevicePhone
	case ua.Desktop:
		device = subfive.DeviceDesktop
	}
	if ua.OS == useragent.Android && !strings.Contains(userAgent, "Mobile") {
		device = subfive.DeviceTablet // Chrome leaves "Mobile" out on Android's tablets
	}
	return device, strings.ToLower(ua.OS), browserOf(userAgent)
}

// inApp are the marks of apps that show pages in a window of their own.
var inApp = []struct{ mark, name string }{
	{"Instagram ", "instagram"},
	{"Barcelona ", "threads"},
	{"FBAN/", "facebook"},
	{"FBAV/", "facebook"},
	{"FB_IAB/", "facebook"},
	{"MetaIAB", "facebook"},
	{"musical_ly", "tiktok"},
	{"BytedanceWebview", "tiktok"},
	{"TikTok", "tiktok"},
	{"trill_", "tiktok"},
	{"Reddit/", "reddit"},
	{"Snapchat/", "snapchat"},
	{"Pinterest/", "pinterest"},
	{"GSA/", "google_app"},
}

// engines are the marks of browsers, the more special first: each also carries
// those of the ones it came from.
var engines = []struct{ mark, name string }{
	{"Edg", "edge"},
	{"OPR/", "opera"},
	{"Opera", "opera"},
	{"SamsungBrowser/", "samsung_browser"},
	{"Vivaldi/", "vivaldi"},
	{"Firefox/", "firefox"},
	{"FxiOS/", "firefox"},
	{"Chrome/", "chrome"},
	{"CriOS/", "chrome"},
	{"Safari/", "safari"},
}

// browserOf names the browser by what it is made of, and not by what somebody
// calls himself besides: a crawler that runs in Chrome is Chrome.
func browserOf(userAgent string) string {
	for _, list := range [][]struct{ mark, name string }{inApp, engines} {
		for _, b := range list {
			if strings.Contains(userAgent, b.mark) {
				return b.name
			}
		}
	}
	return ""
}
