package visitor_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/visitor"
)

func TestRecognizeDevices(t *testing.T) {
	r, err := visitor.Open(visitor.Files{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		userAgent string
		want      subfive.Visitor
	}{
		"nothing": {"", subfive.Visitor{}},
		"iPhone": {
			"Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.2 Mobile/15E148 Safari/604.1",
			subfive.Visitor{Device: "phone", OS: "ios", Browser: "safari"},
		},
		"Instagram on iPhone": {
			"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83 Instagram 406.0.0.58.159 (iPhone16,1; iOS 18_1; en_US; en; scale=3.00; 1179x2556; 700)",
			subfive.Visitor{Device: "phone", OS: "ios", Browser: "instagram"},
		},
		"Facebook on Android": {
			"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/490.0.0.63.82;IABMV/1;]",
			subfive.Visitor{Device: "phone", OS: "android", Browser: "facebook"},
		},
		"TikTok on Android": {
			"Mozilla/5.0 (Linux; Android 13; M2101K6G; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36 musical_ly_2023405030 BytedanceWebview/d8a21c6",
			subfive.Visitor{Device: "phone", OS: "android", Browser: "tiktok"},
		},
		"Chrome on Windows": {
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
			subfive.Visitor{Device: "desktop", OS: "windows", Browser: "chrome"},
		},
		"Firefox on Linux": {
			"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
			subfive.Visitor{Device: "desktop", OS: "linux", Browser: "firefox"},
		},
		"Samsung tablet, which says no Mobile": {
			"Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
			subfive.Visitor{Device: "tablet", OS: "android", Browser: "chrome"},
		},
		"iPad": {
			"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
			subfive.Visitor{Device: "tablet", OS: "ios", Browser: "safari"},
		},
		"AdsBot in an iPhone's words is an iPhone": {
			"Mozilla/5.0 (iPhone; CPU iPhone OS 14_7_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.1.2 Mobile/15E148 Safari/604.1 (compatible; AdsBot-Google-Mobile; +http://www.google.com/mobile/adsbot.html)",
			subfive.Visitor{Device: "phone", OS: "ios", Browser: "safari"},
		},
		"Googlebot in Chrome's words is Chrome": {
			"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/130.0.0.0 Safari/537.36",
			subfive.Visitor{Device: "other", Browser: "chrome"},
		},
		"a crawler that says nothing else": {"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", subfive.Visitor{Device: "other"}},
		"garbage":                          {"\x00\xff(((", subfive.Visitor{Device: "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := r.Recognize(netip.Addr{}, tt.userAgent)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecognizeCountries(t *testing.T) {
	r, err := visitor.Open(visitor.Files{})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"81.2.69.142":        "GB",
		"::ffff:81.2.69.142": "GB",
		"141.20.1.1":         "DE", // a university in Berlin
		"133.11.0.1":         "JP", // a university in Tokyo
		"2001:41d0::1":       "FR",
		"10.0.0.1":           "",
		"127.0.0.1":          "",
		"100.64.3.2":         "",
		"192.0.2.7":          "", // kept for documentation
		"203.0.113.9":        "",
		"2001:db8::1":        "",
		"fe80::1%eth0":       "",
	} {
		got := r.Recognize(netip.MustParseAddr(addr), "").Country
		if got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
}

func TestOpenSaysWhichFile(t *testing.T) {
	_, err := visitor.Open(visitor.Files{Networks: "testdata/none.mmdb"})
	if err == nil {
		t.Fatal("no error for a file that is not there")
	}
	if want := "testdata/none.mmdb"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name %s", err, want)
	}
}

// countryFile is a database in MaxMind's format in which the lower half of the
// addresses is in Germany: one node, one record, and what describes them.
const countryFile = "\x00\x00\x11\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\xe1\x47country\xe1\x48iso_code\x42DE" +
	"\xab\xcd\xefMaxMind.com\xe9" +
	"\x4anode_count\xc1\x01" + "\x4brecord_size\xa1\x18" + "\x4aip_version\xa1\x04" + "\x4ddatabase_type\x44Test" +
	"\x5bbinary_format_major_version\xa1\x02" + "\x5bbinary_format_minor_version\xa0" +
	"\x4bbuild_epoch\x01\x02\x01" + "\x49languages\x00\x04" + "\x4bdescription\xe0"

// A file that is rewritten in place while it is used ends nothing.
func TestFileIsRewrittenInPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "country.mmdb")
	if err := os.WriteFile(file, []byte(countryFile), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := visitor.Open(visitor.Files{Places: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	if got := r.Recognize(netip.MustParseAddr("81.2.69.142"), "").Country; got != "DE" {
		t.Errorf("got %q, want DE", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Rules name browsers by these words, and by no others.
func TestBrowsersAreThoseOfRules(t *testing.T) {
	r, err := visitor.Open(visitor.Files{})
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range []string{
		"Instagram 1", "Barcelona 1", "FBAN/x", "TikTok", "Reddit/1", "Snapchat/1", "Pinterest/1", "GSA/1", "Edg/1", "OPR/1", "SamsungBrowser/1", "Vivaldi/1",
		"Firefox/1", "Chrome/1", "Safari/1",
	} {
		if got := r.Recognize(netip.Addr{}, agent).Browser; !slices.Contains(subfive.Browsers(), got) {
			t.Errorf("%s is %q, which no rule can name", agent, got)
		}
	}
}

func BenchmarkRecognize(b *testing.B) {
	r, err := visitor.Open(visitor.Files{})
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("81.2.69.142")
	b.ReportAllocs()
	for b.Loop() {
		r.Recognize(addr, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.2 Mobile/15E148 Safari/604.1")
	}
}

func ExampleReader_Recognize() {
	r, err := visitor.Open(visitor.Files{})
	if err != nil {
		panic(err)
	}
	v := r.Recognize(netip.MustParseAddr("81.2.69.142"), "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0")
	fmt.Println(v.Country, v.Device, v.OS, v.Browser)
	// Output: GB desktop linux firefox
}
