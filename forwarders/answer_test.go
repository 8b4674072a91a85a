package forwarders

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		value string
		wait  time.Duration
		ok    bool
	}{
		"missing":         {"", 0, false},
		"seconds":         {"30", 30 * time.Second, true},
		"spaces":          {" 5 ", 5 * time.Second, true},
		"none":            {"0", 0, true},
		"negative":        {"-5", 0, false},
		"fraction":        {"1.5", 0, false},
		"garbage":         {"soon", 0, false},
		"two days":        {"172800", 24 * time.Hour, true},
		"overflow":        {"99999999999999999999999999", 24 * time.Hour, true},
		"date":            {"Tue, 24 Nov 2026 12:01:00 GMT", time.Minute, true},
		"date in RFC 850": {"Tuesday, 24-Nov-26 12:01:00 GMT", time.Minute, true},
		"date passed":     {"Tue, 24 Nov 2026 11:00:00 GMT", 0, true},
		"date far away":   {"Tue, 24 Nov 2099 11:00:00 GMT", 24 * time.Hour, true},
		"date garbled":    {"Tue, 24 Foo 2026 11:00:00 GMT", 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			if tt.value != "" {
				h.Set("Retry-After", tt.value)
			}
			wait, ok := RetryAfter(h, now)
			if wait != tt.wait || ok != tt.ok {
				t.Errorf("RetryAfter(%q) = %v, %t; want %v, %t", tt.value, wait, ok, tt.wait, tt.ok)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"30", "-1", "1e9", "Tue, 24 Nov 2026 12:01:00 GMT", "99999999999999999999"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		wait, ok := RetryAfter(http.Header{"Retry-After": {v}}, time.Unix(1e9, 0))
		if wait < 0 || wait > maxRetryAfter || !ok && wait != 0 {
			t.Errorf("RetryAfter(%q) = %v, %t", v, wait, ok)
		}
	})
}

func TestPublicAddresses(t *testing.T) {
	tests := map[string]bool{
		"8.8.8.8": true, "157.240.1.1": true, "2a03:2880::1": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "0.1.2.3": false, "100.64.0.1": false, "100.100.100.200": false, "224.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"::ffff:10.0.0.1": false, "::ffff:100.64.0.1": false, "::ffff:8.8.8.8": true, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::127.0.0.1": false,
	}
	for address, want := range tests {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %t, want %t", address, got, want)
		}
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("abcdefgh", "x abcdefgh y")
	f.Add("a/b+c=d e", "a%2Fb%2Bc%3Dd+e")
	f.Fuzz(func(t *testing.T, secret, text string) {
		s := newScrubber([]string{secret})
		got := s.text(text + secret)
		if printable(got) != got {
			t.Errorf("%q is not printable", got)
		}
		if cut := clip(got, 3); !utf8.ValidString(cut) || len(cut) > 3+len("…") {
			t.Errorf("clip(%q, 3) = %q", got, cut)
		}
	})
}

func TestScrub(t *testing.T) {
	tests := map[string]struct {
		secrets    []string
		text, want string
	}{
		"plain":              {[]string{"abcdef"}, "x abcdef y", "x *** y"},
		"in a query":         {[]string{"a/b+c d"}, "k=a%2Fb%2Bc+d", "k=***"},
		"in a path":          {[]string{"a/b+c d"}, "/a%2Fb+c%20d/", "/***/"},
		"in JSON":            {[]string{`a"b<cd`}, `{"k":"a\"b\u003ccd"}`, `{"k":"***"}`},
		"slashes escaped":    {[]string{"a/b/c/d"}, `{"k":"a\/b\/c\/d"}`, `{"k":"***"}`},
		"in base64":          {[]string{"abcdef"}, "YWJjZGVm", "***"},
		"one within another": {[]string{"abcdef", "abcdefgh"}, "abcdefgh abcdef", "*** ***"},
		"too short":          {[]string{"abc"}, "abc", "abc"},
		"none":               {nil, "abc", "abc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := newScrubber(tt.secrets).text(tt.text); got != tt.want {
				t.Errorf("text(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
