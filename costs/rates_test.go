package costs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"subfive"
	"subfive/costs"
)

func TestRates(t *testing.T) {
	const plain = "Date,Currency,Rate\n2026-11-20,EUR,1.0521\n2026-11-20,eur,\n2026-11-20,USD,1\n2026-11-20,euro,1\n2026-11-20,GBP,1,26\n2026-11-21,GBP,0\nsoon,GBP,1\n2026-11-21,GBP,1.2611\n2026-11-21\n2026-11-22,GBP,0.0000000000004\n2026-11-23,GBP,0.0000000000005\n"
	file := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	tests := map[string]struct {
		text      []byte
		reporting string
		form      costs.RateForm
		want      []string
		rejected  []string
	}{
		"the bank's history, crossed": {file("ecb.csv"), "USD", costs.RatesECB, []string{
			// 1.0521 / 162.33, … to 12 digits; the 19th has no dollar
			"2026-11-20 EUR 1.0521", "2026-11-20 JPY 0.006481241915", "2026-11-20 BGN 0.537938439513", "2026-11-20 GBP 1.261238581601",
		}, []string{`line 4, column JPY, "soon": it is no plain decimal such as 1.0842`}},
		"the bank's history, in euro": {file("ecb.csv"), "EUR", costs.RatesECB, []string{
			"2026-11-20 USD 0.950479992396", "2026-11-20 JPY 0.006160290766", "2026-11-20 BGN 0.511299723898", "2026-11-20 GBP 1.19878203745",
			"2026-11-19 JPY 0.006169031462", "2026-11-19 BGN 0.511299723898", "2026-11-19 GBP 1.199040767386",
		}, []string{`line 4, column JPY, "soon": it is no plain decimal such as 1.0842`}},
		"the bank's day":    {file("ecb_daily.csv"), "USD", costs.RatesECB, []string{"2026-11-20 EUR 1.0521", "2026-11-20 JPY 0.006481241915", "2026-11-20 GBP 1.261238581601"}, nil},
		"the bank's XML":    {file("ecb.xml"), "USD", costs.RatesECBXML, []string{"2026-11-20 EUR 1.0521", "2026-11-20 GBP 1.261238581601", "2026-11-18 EUR 1.06"}, []string{`line 11, column GBP, "-": it is no plain decimal such as 1.0842`}},
		"no such currency":  {file("ecb.csv"), "XAU", costs.RatesECB, nil, []string{`line 4, column JPY, "soon": it is no plain decimal such as 1.0842`}},
		"a byte order mark": {[]byte("\ufeffcurrency,rate,date\nEUR,1.05,2026-11-20\n"), "USD", costs.RatesPlain, []string{"2026-11-20 EUR 1.05"}, nil},
		"a plain table": {[]byte(plain), "USD", costs.RatesPlain, []string{"2026-11-20 EUR 1.0521", "2026-11-20 GBP 1", "2026-11-21 GBP 1.2611", "2026-11-23 GBP 0.000000000001"}, []string{
			`line 3, column Rate: it is no plain decimal such as 1.0842`,
			`line 4, column Currency, "USD": it is the reporting currency itself, which is always worth 1`,
			`line 5, column Currency, "euro": it is no currency; write its code, such as USD`,
			`line 7, column Rate, "0": a rate is more than 0`,
			`line 8, column Date, "soon": it is no day; write it as 2026-11-24`,
			`line 10: it has 1 cells, the header has 3`,
			`line 11, column Rate, "0.0000000000004": a rate is more than 0`, // to 12 digits it is 0
		}},
		"in another currency": {[]byte("date,currency,rate,reporting_currency\n2026-11-20,USD,1.5,CHF\n"), "EUR", costs.RatesPlain, nil, []string{`line 2, column reporting_currency, "CHF": reports are in EUR`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got, rejected []string
			form, err := costs.RateReader{Reporting: tt.reporting, Now: now}.Read(bytes.NewReader(tt.text), func(r costs.Rate) error {
				if r.Form != tt.form {
					t.Errorf("%v has the form %s", r, r.Form)
				}
				got = append(got, r.Date+" "+r.Currency+" "+r.Rate)
				return nil
			}, func(r *subfive.Rejection) error {
				rejected = append(rejected, r.Error())
				return nil
			})
			if err != nil || form != tt.form {
				t.Errorf("form %s, %v", form, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rates (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.rejected, rejected); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoRates(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "a page": "<html><body>404</body></html>", "another table": "a,b\n1,2\n", "broken XML": "<Cube><Cube time='2026-11-20'><Cube currency='USD'",
	} {
		_, err := costs.RateReader{Reporting: "USD", Now: now}.Read(strings.NewReader(text), func(costs.Rate) error { return nil }, func(*subfive.Rejection) error { return nil })
		if !errors.Is(err, costs.ErrRates) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who keeps the rates may fail: reading ends with his error.
func TestRatesThatCannotBeKept(t *testing.T) {
	full := errors.New("the disk is full")
	_, err := costs.RateReader{Reporting: "USD", Now: now}.Read(strings.NewReader("date,currency,rate\n2026-11-20,EUR,1\n"), func(costs.Rate) error { return full }, nil)
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

func FuzzRates(f *testing.F) {
	for _, name := range []string{"ecb.csv", "ecb_daily.csv", "ecb.xml"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("date,currency,rate\n2026-11-20,EUR,1.0521\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := costs.RateReader{Reporting: "USD", Now: now}.Read(bytes.NewReader(text), func(r costs.Rate) error {
			if len(r.Date) != 10 || len(r.Currency) != 3 || strings.Trim(r.Rate, "0123456789.") != "" {
				t.Fatalf("%+v", r)
			}
			return nil
		}, func(*subfive.Rejection) error { return nil })
		if err != nil && !errors.Is(err, costs.ErrRates) {
			t.Fatal(err)
		}
	})
}
